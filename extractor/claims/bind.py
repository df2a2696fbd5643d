"""Binds each number of a sentence to the subject it is said of, by where the words stand; refuses where none fits."""

from __future__ import annotations

import re

from extractor.claims.company import Company
from extractor.claims.frame import DISPUTES, FEES, MENTIONS, Frame, explained
from extractor.claims.meaning import Fields, Meaning, fits, fitting, legal_person
from extractor.claims.numbers import Number
from extractor.claims.scope import named
from extractor.claims.sides import Side, look_left, look_right
from extractor.claims.tokens import Token

_ALL = re.compile(r"均|都|皆|各")
_TOTAL = re.compile(r"总计|合计|共计|共|金额|总额")
_PART = re.compile(r"其中|[另尚还仅]有$|(?<!共)(?<!总)有$|其余|余下|剩余")
# 从申请数量看，2022年165件、2023年198件; 申请人类型：自然人10件
_ANNOUNCED = re.compile(
    r"从(?:收到|受理|新收)?(?:的)?(?:信息公开)?申请(?:的)?(?:总)?(?:数量|量|数|件数)(?:上|来)?看"
    r"|(?:收到|受理|接收|新收|登记)的(?:[\d,]{1,7}[件条份])?(?:政府)?信息公开申请(?:事项)?[中里],|申请(?:人|主体|者)中,"
    r"|从?申请(?:人|主体|者)(?:的)?(?:类型|身份|类别|构成|性质|来源|分布)?(?:情况)?(?:(?:上|来)?看|:)"
)
_DIVIDES = re.compile(r"看|[中里],|:")
_CLAUSES = re.compile(r"[,;:。]")
_PETITION = re.compile(r"信访|举报|投诉")
_REFUSED = frozenset({"change", "neg", "foreign", "publish", "channel", "part", "plan"})
_NEW = "requests.new_received."
_CARRIED = (("requests.carried_in.total",), ("requests.carried_out.total",))
_OTHERS = frozenset({"requests.other.not_corrected.total", "requests.other.fee_unpaid.total"})


def _announced(frame: Frame) -> list[int]:
    """Where words end that announce applications divided by year or applicant, the last first."""
    if not _DIVIDES.search(frame.text):
        return []
    found = [match.end() for match in _ANNOUNCED.finditer(frame.text)]
    known = "applications" in (frame.carried.topic, frame.carried.heading)
    return found[::-1] if found and (known or frame.about_disclosure(len(frame.tokens) - 1)) else []


class Binder:
    """The numbers of one sentence, from left to right; `parent` holds the fields that the last number was bound to."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.meaning = Meaning(frame)
        self.parent: Fields = frame.carried.parent
        self.bound: set[str] = set()
        self.main: str | None = None
        self.announced = _announced(frame)

    def fields(self, index: int) -> Fields:
        """The fields that the number at `index` is a claim of; mostly one or none."""
        number = self.frame.tokens[index].number
        if number is None:
            return ()
        while self.announced and self.announced[-1] <= number.start:
            self.announced.pop()
            self.parent = (f"{_NEW}total",)
        found = self.meaning.row_of_group(index, self._fields(index, number))
        if found:
            self.main = self.main or found[0]
            if any(name.startswith("requests.") for name in found):
                self.meaning.topic = "applications"
            self.parent = found
            self.bound.update(found)
        elif not (index and self.frame.tokens[index - 1].kind == "change") and not self._fine(number):
            self.parent = ()
        return found

    def _fine(self, number: Number) -> bool:
        """作出行政处罚213件，罚款1,820万元，其中…: the money says more of the same."""
        return number.money and bool(self.parent) and not self.parent[0].endswith(".amount")

    def _fields(self, index: int, number: Number) -> Fields:
        if number.unit is None and not self._ends_clause(index):
            return ()
        behind = self.frame.tokens[index + 1 : index + 2]
        if number.unit == "个" and behind and behind[0].kind in ("scope", "res"):
            return ()  # 35个县直部门收到申请
        left, right = look_left(self.frame, index), look_right(self.frame, index)
        if left.mentions:
            if "等" in left.fill and not number.zero:
                return ()  # 行政许可、行政确认等事项2万件: one kind of several
            mentions = self._with_right(index, left, right)
            return self._before(index, number, mentions, left) if mentions else ()
        if left.stop == "foreign":
            self.meaning.topic = "foreign"
        if left.stop in _REFUSED:
            return ()
        if left.stop == "res":
            return self._share(index, number) or self._behind(index, number, left, right)
        found = self._behind(index, number, left, right)
        if found:
            return found
        if (left.anchored and (left.stop != "num" or left.bracket)) or left.onto:
            of_old = "新" in left.fill and not self._under_received()  # 现行有效45件，其中2023年新增6件
            return () if of_old else fitting(self._compared(index), number)
        if _TOTAL.search(left.fill):
            return self._sum(index, number)
        return self._next_clause(index, number, left)

    def _compared(self, index: int) -> Fields:
        """The fields of a number without words of its own; behind a semicolon those of what came first (被申请行政复议
        9件，结果维持7件；上年为6件)."""
        tokens, start = self.frame.tokens, self.frame.clause(index)
        if not self.main or not start or tokens[start - 1].key != ";" or self.parent == (self.main,):
            return self.parent
        topic = self.main.removesuffix("total")
        return (self.main,) if self.parent and self.parent[0].startswith(topic) else ()

    def _ends_clause(self, index: int) -> bool:
        """Whether a number without a measure word can be a count: the end of a clause, right behind its subject."""
        tokens = self.frame.tokens
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if after is not None and (after.kind != "p" or after.key == "("):
            return False
        if index == 0 or not _CLAUSES.search(self.frame.text):
            return False
        at = index - 1
        while at > 0 and (tokens[at].kind == "fill" or tokens[at].key == ":"):
            at -= 1
        return tokens[at].kind in MENTIONS

    def _with_right(self, index: int, left: Side, right: Side) -> list[int]:
        """The words before a number, with what it counts where that stands behind it (收到20件申请); empty where
        that is another thing (办理20件民生实事)."""
        tokens = self.frame.tokens
        if any(tokens[at].kind != "act" for at in left.mentions):
            return left.mentions
        if right.mentions:
            return [*left.mentions, right.mentions[0]] if tokens[right.mentions[0]].kind == "topic" else left.mentions
        another = index + 1 < len(tokens) and tokens[index + 1].kind in ("res", "foreign", "title")
        return [] if not tokens[left.mentions[-1]].sure and (right.blocks or another) else left.mentions

    # ------------------------------------------------------------ the words before

    def _before(self, index: int, number: Number, mentions: list[int], left: Side) -> Fields:
        frame = self.frame
        near = [frame.tokens[at] for at in mentions if at not in left.far]
        topics = [t for t in near if t.kind == "topic"]
        acts = [frame.tokens[at] for at in mentions if frame.tokens[at].kind == "act" and not self._answer(at)]
        groups = [a for a in acts if a.key.endswith(".all")]
        rows = {t.key for t in near if t.kind == "row"}
        if rows and groups and re.search("等(?!级)", frame.text[near[0].end : groups[-1].start]):
            rows = set()  # 信息不存在等原因无法提供
        if rows and any(t.kind == "who" for t in near):
            return ()  # 信息不存在等其他情况
        if rows:
            made = self.meaning.row(index, rows.pop(), [a.key for a in acts]) if len(rows) == 1 else ()
            return fitting(made, number)
        who = [t for t in near if t.kind == "who" and not (topics and legal_person(frame, t))]
        if len(who) > 1 and "各" in frame.text[who[0].start : frame.tokens[index].start]:
            return ()
        if len(who) == 1:
            return self._applicant(number, who[0], topics, acts, left)
        if not Company(frame, self.meaning, index, left, topics, acts).allows():
            return ()
        # An act before words that nothing explains is the topic's, if it stands before the topic.
        acts = [t for t in acts if t in near or (topics and t.start < topics[0].start)]
        if any(t.sure for t in acts):
            acts = [t for t in acts if t.key != "decisions"]  # 作出不予公开决定6件
        if len(acts) > 1 and "中" in frame.text[acts[-2].end : acts[-1].start]:
            acts = acts[-1:]
        found = self.meaning.combine(index, topics, acts)
        if len(found) > 1 and not (number.zero or _ALL.search(left.fill) or self._both(acts)):
            return ()
        return fitting(found, number)

    def _answer(self, at: int) -> bool:
        """Whether an act only says that what stands before it was the answer (作出不予公开答复3件)."""
        token, lead = self.frame.tokens[at], self.frame.tokens[at - 1] if at else None
        if token.key != "process" or lead is None:
            return False
        return lead.kind == "row" or (lead.kind == "act" and lead.sure and lead.key not in ("receive", "carry_in"))

    def _both(self, acts: list[Token]) -> bool:
        """收到并办结申请6件: one number for two acts."""
        if {a.key for a in acts} != {"receive", "process"} or len(acts) != 2:
            return False
        return "并" in self.frame.text[acts[0].end : acts[1].start] and acts[1].start - acts[0].end <= 6

    def _applicant(self, number: Number, who: Token, topics: list[Token], acts: list[Token], left: Side) -> Fields:
        if any(a.key != "receive" for a in acts) or any(t.key != "applications" for t in topics):
            return ()
        if left.blocks - {"foreign"} or legal_person(self.frame, who):
            return ()
        under = self._under_received()
        if who.key == "other_organization":
            # 其他 alone is a column only in a list of columns.
            spelled = "组织" in self.frame.text[who.start : who.end]
            if not spelled and not topics and not acts and self.parent and self.parent[0] in _OTHERS:
                return fitting(("requests.other.other.total",), number)
            if not spelled and not topics and not acts and self.parent:
                of, _, result = self.parent[0].rpartition(".")
                if of in DISPUTES and result in ("upheld", "corrected", "pending"):
                    return fitting((f"{of}.other",), number)
            under = under and (spelled or self.parent[0] != f"{_NEW}total")
        elif acts:
            under = True
        return fitting((_NEW + who.key,), number) if under else ()

    def _under_received(self) -> bool:
        if not self.bound and self.frame.carried.main == f"{_NEW}total" and self.frame.text.startswith("其中"):
            return self.parent in _CARRIED  # 收到66件，结转4件。其中自然人60件
        return bool(self.parent) and self.parent[0].startswith(_NEW)

    # ------------------------------------------------------------ the words behind

    def _behind(self, index: int, number: Number, left: Side, right: Side) -> Fields:
        frame = self.frame
        if not right.mentions or left.blocks & _REFUSED:
            return ()
        tokens = [frame.tokens[at] for at in right.mentions]
        near = [frame.tokens[at] for at in right.mentions if at not in right.far]
        head = tokens[0]
        if head.kind == "row":
            said = [t.key for t in near if t.kind == "act" and ".all" not in t.key]
            return fitting(self.meaning.row(index, head.key, said), number)
        if left.stop == "res" and head.kind != "topic" and not (head.kind == "act" and head.sure):
            return ()
        if head.kind == "who":
            alone = sum(t.kind == "who" for t in tokens) == 1 and head.key != "other_organization"
            return fitting((_NEW + head.key,), number) if alone and self._under_received() else ()
        rows = [t for t in near if t.kind == "row"]
        if rows and head.kind == "topic":
            return fitting(self.meaning.row(index, rows[0].key, []), number)
        topics = [t for t in near if t.kind == "topic"][:1]
        acts = [t for t in tokens if t.kind == "act" and (t in near or t.sure)]
        if not acts and not self._whole(index, left, topics):
            return ()
        if topics:
            acts = [t for t in acts if t.sure][:1] or acts[-1:]
        else:
            acts = acts[:1]
            if not head.sure and not explained(frame, index):
                return ()
        found = self.meaning.combine(index, topics, acts)
        return fitting(found, number) if len(found) == 1 else ()

    def _whole(self, index: int, left: Side, topics: list[Token]) -> bool:
        """Whether 20件申请 is all of them: 全年20件申请中…, not 其中20件申请."""
        if _PART.search(left.fill) or not (left.anchored or left.stop == "start"):
            return False
        bare = any(t.key == "applications" and not t.sure for t in topics)
        return not bare or self.frame.about_disclosure(index)

    def _next_clause(self, index: int, number: Number, left: Side) -> Fields:
        """1件转为信访渠道，按信访举报投诉类申请不予处理: what became of it is said in the next clause."""
        frame, tokens = self.frame, self.frame.tokens
        if _PART.sub("", left.fill) or left.stop == "num" or number.unit is None:
            return ()
        end = frame.clause_end(index)
        if end >= len(tokens) or tokens[end].key != ",":
            return ()
        following = tokens[end + 1 : frame.clause_end(end + 1)]
        found = [t for t in following if t.kind in MENTIONS]
        if not found or any(t.kind in ("num", "foreign", "change", "scope") for t in following):
            return ()
        if found[0].kind == "row":
            return fitting(self.meaning.row(index, found[0].key, []), number)
        if end - index < 2:
            return ()  # 3件，不予公开: the number may be of what was said before
        refused = found[0].key == "not_processed.all" and len(found) == 1
        if refused and any(t.kind == "foreign" and _PETITION.match(t.key) for t in tokens[index:end]):
            return fitting(("requests.not_processed.petition.total",), number)
        if found[0].kind == "act" and found[0].sure and "res" not in {t.kind for t in following} and len(found) == 1:
            return fitting(self.meaning.combine(index, [], found), number)
        return ()

    # ------------------------------------------------------------ what is left out and understood

    def _share(self, index: int, number: Number) -> Fields:
        """县公安局12件, in a list of who received how many."""
        frame = self.frame
        start = index
        while start > 0 and frame.tokens[start - 1].kind != "p":
            start -= 1
        while start < index and frame.tokens[start].kind == "fill":
            start += 1
        called = named(frame.words(start, index), frame.own) if start < index else None
        if called is None or called == "doubt" or not self.parent:
            return ()
        frame.places[index].scope = called
        return fitting(self.parent, number)

    def _sum(self, index: int, number: Number) -> Fields:
        """结果维持3件、结果纠正2件，总计5件; 收取信息处理费3笔，合计420元."""
        last = self.frame.topics[index]
        if number.money and last in FEES:
            return ("processing_fee.amount",) if last == "processing_fee" else ("disclosure.fees.amount",)
        if self.meaning.by_channel and f"{_NEW}total" not in self.bound:
            return fitting((f"{_NEW}total",), number)  # 收到网上申请1件、信函申请2件，共计3件
        topic = self.meaning.spoken_of(index, tuple(DISPUTES))
        if topic is None or not any(name.startswith(f"{topic}.") for name in self.bound):
            return ()
        made = f"{topic}.total"
        return (made,) if made not in self.bound and fits(made, number) else ()
