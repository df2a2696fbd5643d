"""What subject words make together: topics × acts, sub-rows of table 3, applicants, and what is left unsaid."""

from __future__ import annotations

import re
from itertools import pairwise

from extractor.claims.frame import DECISIONS, DISPUTES, DOCUMENTS, FEES, Frame
from extractor.claims.numbers import Number
from extractor.claims.subjects import subjects
from extractor.claims.tokens import Token

Fields = tuple[str, ...]

_LISTED = re.compile(r"[、和与及,]")
_LEGAL_PERSON = re.compile(r"(?:法人|单位|企业)(?:和|及|或|或者|以及|、)$")
# Verbs of any work: they say of a dispute only that there was one.
_HANDLED = frozenset({"receive", "process", "decisions"})


def fits(name: str, number: Number) -> bool:
    """Whether the number's unit is one that the field is counted in."""
    table, _, rest = name.partition(".")
    topic = "applications" if table == "requests" else rest.split(".")[0] if table == "disclosure" else table
    if topic in FEES:
        return number.money or (number.zero and (number.unit is None or number.unit in "笔件次"))
    if number.money:
        return False
    return number.unit is None or number.unit in subjects().topics[topic].units


def fitting(fields: Fields | list[str], number: Number) -> Fields:
    """The fields, if the number's unit fits them all."""
    return tuple(fields) if all(fits(name, number) for name in fields) else ()


def legal_person(frame: Frame, who: Token) -> bool:
    """法人及其他组织: the five columns of 法人或其他组织 together, which are no field."""
    return _LEGAL_PERSON.search(frame.text[max(0, who.start - 5) : who.start]) is not None


class Meaning:
    """The subjects of one sentence. `topic` is one that was understood and not named; `general` are topics spoken of in
    general (court cases, not those about disclosure)."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.topic: str | None = None
        self.general: set[str] = set(frame.carried.general)
        self.by_channel = False  # applications were counted by the way they came in

    def spoken_of(self, index: int, allowed: Fields) -> str | None:
        """The topic last spoken of before a token, if it is one of `allowed`."""
        carried = self.frame.carried
        for topic in (self.frame.topics[index], self.topic, carried.topic, carried.heading):
            if topic is not None:
                if topic in allowed:
                    return None if topic in self.general else topic
                if topic == "foreign":
                    return None
        return None

    def combine(self, index: int, topics: list[Token], acts: list[Token]) -> list[str]:
        """The fields of topics × acts, in order; empty where the two do not go together."""
        names = list(dict.fromkeys(t.key for t in topics))
        names = [name for name in names if name != "applications" or not self._only_names(topics)]
        keys = list(dict.fromkeys(a.key for a in acts))
        if not names:
            return self._of_acts(index, acts, keys)
        out: list[str] = []
        for name in names:
            found = self._acts_of(index, name, keys, any(t.sure for t in topics if t.key == name))
            if not found:
                return []
            out += [f for f in (subjects().field(name, key) for key in found) if f is not None]
        return list(dict.fromkeys(out))

    def _only_names(self, topics: list[Token]) -> bool:
        """政府信息公开申请行政复议: the applications only say what the dispute is about."""
        pairs = [(a, b) for a, b in pairwise(topics) if a.key == "applications" != b.key]
        return any(not _LISTED.search(self.frame.text[a.end : b.start]) for a, b in pairs)

    def _acts_of(self, index: int, topic: str, keys: list[str], sure: bool) -> list[str]:
        """What was done to the topic: the acts that go with it, or the one that is meant where none is said."""
        known = subjects()
        wanted = [("decisions" if topic in DECISIONS and key == "process" else key) for key in keys]
        found = [key for key in wanted if topic in known.acts[key].topics]
        if found:
            return found[-1:] if topic in DISPUTES else found
        if wanted and not (topic in DISPUTES and set(wanted) <= _HANDLED):
            return []
        default = known.topics[topic].act
        if topic == "applications" and default is not None and self._listed_as_done(index):
            default = "process"
        if default is None:
            default = self._act_before(index, topic)
        elif topic in DISPUTES and not sure:
            default = None
        return [] if default is None else [default]

    def _of_acts(self, index: int, acts: list[Token], keys: list[str]) -> list[str]:
        """The fields of acts whose topic is not said in the clause."""
        known = subjects()
        out: list[str] = []
        for key in keys:
            act = known.acts[key]
            if act.topics[0] in DOCUMENTS and self._of_published(index):
                return []
            if self._elsewhere(index) or (act.topics[0] in self.general and not self._named(index, act.topics[0])):
                return []
            topic = self.spoken_of(index, act.topics)
            if topic is None and act.topics[0] == "applications" and any(a.sure for a in acts if a.key == key):
                topic = "applications"
            made = known.field(topic, key) if topic is not None else None
            if made is None:
                return []
            out.append(made)
        return list(dict.fromkeys(out))

    def _of_published(self, index: int) -> bool:
        """公开规章9件（含新制定3件）: what the bracket divides is what was published."""
        tokens, start = self.frame.tokens, index
        while start > max(0, index - 60) and tokens[start].key not in ("(", ")"):
            start -= 1
        if tokens[start].key != "(":
            return False
        outer = tokens[self.frame.clause(start) : start]
        return any(t.kind == "publish" for t in outer) and not any(t.kind == "act" for t in outer)

    def _elsewhere(self, index: int) -> bool:
        """Whether the sentence was last about something that is none of the form's."""
        topic = self.frame.topics[index]
        return topic == "foreign" or (topic is None and self.topic == "foreign")

    def _named(self, index: int, topic: str) -> bool:
        """Whether the topic stands before the token in words that can mean nothing else."""
        return any(t.kind == "topic" and t.key == topic and t.sure for t in self.frame.tokens[:index])

    def _listed_as_done(self, index: int) -> bool:
        """办理来信312件、依申请公开24件: the verb of the list is that of each item."""
        tokens = self.frame.tokens
        item = index
        while item and tokens[item - 1].kind not in ("p", "num"):
            item -= 1
        if item < 2 or tokens[item - 1].key != "、" or tokens[item - 2].kind != "num":
            return False
        acts = {t.key for t in tokens[self.frame.clause(index) : item] if t.kind == "act"}
        return "process" in acts and "receive" not in acts

    def _act_before(self, index: int, topic: str) -> str | None:
        """What was said to be done to documents, for the next kind in the list (出台规章2件、规范性文件17件)."""
        tokens, item = self.frame.tokens, index
        start = self.frame.clause(index)
        while item > start and tokens[item - 1].kind not in ("num", "p"):
            item -= 1
        if any(t.kind in ("res", "publish", "time") for t in tokens[item:index]):
            return None
        depth = 0
        for token in reversed(tokens[:item]):
            depth += (token.key == ")") - (token.key == "(")
            if depth > 0:
                continue
            if token.kind == "act" and topic in subjects().acts[token.key].topics:
                at = tokens.index(token)
                published = any(t.kind == "publish" for t in tokens[self.frame.clause(at) : at])
                return None if published else token.key
            if token.kind in ("publish", "act"):
                return None
        return None

    def row(self, index: int, key: str, acts: list[str]) -> Fields:
        """The field of a sub-row of table 3; `acts` are the acts said with it."""
        if key == "repeat":
            if not self._refused(index):
                return ()
            key = "not_processed.excessive"
        group = key.split(".")[0]
        if self._involved(index, key) and not self._denied(index):
            return ()
        if any(a not in ("receive", f"{group}.all") for a in acts):
            return ()
        return (f"requests.{key}.total",)

    def _involved(self, index: int, key: str) -> bool:
        """涉及第三方权益 says what an application is about, not yet what became of it."""
        tokens = self.frame.tokens
        near = tokens[max(0, index - 8) : index + 8]
        return any(t.kind == "row" and t.key == key and self.frame.text.startswith("涉", t.start) for t in near)

    def _denied(self, index: int) -> bool:
        return any(t.kind == "act" and t.key in ("denied.all", "granted_in_part") for t in self.frame.tokens)

    def _refused(self, index: int) -> bool:
        """Whether 不予处理 is said of what the number counts, in its clause or the next."""
        tokens, hops = self.frame.tokens, 0
        for token in tokens[index:]:
            if token.kind == "act" and token.key == "not_processed.all":
                return True
            hops += token.kind == "p"
            if hops > 1 or (token.kind == "num" and token is not tokens[index]):
                break
        return any(t.kind == "act" and t.key == "not_processed.all" for t in tokens[self.frame.clause(index) : index])

    def row_of_group(self, index: int, made: Fields) -> Fields:
        """A group's number where the words right before it name the one row meant (因信息不存在无法提供3件)."""
        if len(made) != 1 or not made[0].endswith(".all.total"):
            return made
        tokens, group = self.frame.tokens, made[0].split(".")[1]
        at = index - 1
        while at >= 0 and not (tokens[at].kind == "act" and tokens[at].key == f"{group}.all"):
            if tokens[at].kind == "num":
                return made
            at -= 1
        commas = 0
        for token in reversed(tokens[: max(at, 0)]):
            commas += token.kind == "p"
            if token.kind == "num" or commas > 1 or (token.kind == "p" and token.key in ";:()、"):
                break
            if token.kind == "row" and token.key == "repeat" and group == "not_processed":
                return ("requests.not_processed.excessive.total",)
            if token.kind == "row" and token.key.split(".")[0] == group:
                if "等" in self.frame.text[token.end : tokens[at].start]:
                    return made  # 信息不存在等原因无法提供
                return (f"requests.{token.key}.total",)
        return made
