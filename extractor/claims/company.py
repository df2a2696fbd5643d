"""Whether the words around a subject let it mean what it says: published, part of a whole, of another matter."""

from __future__ import annotations

import re
from dataclasses import dataclass

from extractor.claims.frame import DECISIONS, DISPUTES, DOCUMENTS, FEES, Frame, explained, known_before
from extractor.claims.meaning import Meaning
from extractor.claims.sides import Side
from extractor.claims.tokens import Token

_RESULTS = frozenset({"upheld", "corrected", "dispute_other", "pending", "total"})
# Verbs of any work: without a topic in the clause everything before them must be explained.
_GENERAL = frozenset({"receive", "process", "issued", "repealed", "in_force", "decisions", "amount", "granted"})
# 法人和其他组织 together are no column of the form; 各类申请 need not be applications for disclosure.
_LEGAL_PERSONS = re.compile(
    r"(?:其中)?法人(?:(?:和|及|或|或者|以及)其[他它]组织)?(?:提出|提交)?(?:的)?(?:申请|政府信息)"
)
_OF_ALL_KINDS = re.compile(r"各类|各项|各种")
_REVIEWS = frozenset({"清理", "梳理", "评估", "审查", "审核"})
# The work of a body that decides disputes, not the disputes about the reporting body.
_CONCLUDED = re.compile(r"(?<!未)审结|审理完结")
_OTHER_CASES = re.compile(r"其[他它](?:各类|类型|方面)?的?(?:行政)?(?:复议|诉讼|应诉)(?!结果)")
_WAYS = re.compile(r"等|多种|各种|各类|渠道|方式|途径")


@dataclass(slots=True)
class Company:
    """The subject words before a number, with the frame they stand in."""

    frame: Frame
    meaning: Meaning
    index: int
    left: Side
    topics: list[Token]
    acts: list[Token]

    def allows(self) -> bool:
        """Whether the words may be taken at their word."""
        keys = {t.key for t in self.topics}
        if keys <= {"applications"} and not self._of_applications():
            if not any(t.sure for t in self.topics):
                self.meaning.general |= keys
            return False
        if keys & (DOCUMENTS | DECISIONS | FEES) and not self._done(keys):
            return False
        if keys & {"reconsideration", "litigation"}:
            if not self._of_disclosure():
                self.meaning.general |= keys
                return False
            self.meaning.general -= keys
        if not self.topics and any(a.key in _GENERAL and not a.sure for a in self.acts):
            return explained(self.frame, self.left.mentions[0])
        if keys == {"applications"} and not any(t.sure for t in self.topics):
            if explained(self.frame, self.left.mentions[0]):
                return True
            self.meaning.general |= keys
            return False
        return True

    def _of_applications(self) -> bool:
        """Not a part that is no field (网上申请12件, 转办14件), not an application for something else."""
        frame, left = self.frame, self.left
        if left.blocks & {"part", "foreign"}:
            return False
        if "channel" in left.blocks and not self._all_ways():
            known = frame.about_disclosure(self.index) or frame.carried.heading == "applications"
            self.meaning.by_channel = known and not left.far
            return False
        item = left.mentions[0]
        while item and frame.tokens[item - 1].kind not in ("num", "p"):
            item -= 1
        words = frame.words(item, left.mentions[-1] + 1)
        if _LEGAL_PERSONS.match(words) and not frame.text[: frame.tokens[item].start].endswith("、"):
            return False
        bare = [t for t in self.topics if not t.sure]
        if (
            bare
            and _OF_ALL_KINDS.search(words)
            and not frame.about_disclosure(self.index)
            and not frame.carried.heading
        ):
            return False
        return not bare or (not left.far and known_before(frame, frame.tokens.index(bare[-1])))

    def _all_ways(self) -> bool:
        """Whether the way applications came is no part of them: 通过网络等渠道, not 通过信函方式 … 通过网络."""
        frame, start = self.frame, self.frame.clause(self.index)
        ways = _WAYS.findall(frame.words(start, self.left.mentions[0]))
        if not ways or set(ways) - {"渠道", "方式", "途径"}:
            return bool(ways)
        one = sum(t.kind == "channel" for t in frame.tokens[start : self.index]) == 1
        return not (one and any(t.kind == "channel" for t in frame.tokens[self.index : self.index + 120]))

    def _done(self, keys: set[str]) -> bool:
        """Not what was published, not a list of things that may be licensed, not a difference of fees."""
        if "foreign" in self.left.blocks or ("publish" in self.left.blocks and not self._reviewed()):
            return False
        if not self.acts and self._published():
            return False
        if keys & DECISIONS:
            if not self.acts and any("事项" in self.frame.text[t.start : t.end] for t in self.topics):
                return False
            if self.left.murky and not any(a.key in ("decisions", "process") for a in self.acts):
                return False
        return not (keys & FEES and "change" in self.left.blocks)

    def _reviewed(self) -> bool:
        """清理后废止规范性文件15件: what stands before the act tells how it came to it, and nothing is published."""
        tokens = self.frame.tokens
        if not self.acts:
            return False
        before = tokens[self.frame.clause(self.index) : tokens.index(self.acts[0])]
        behind = tokens[tokens.index(self.acts[0]) : self.index]
        ways = [t for t in before if t.kind == "publish"]
        return all(t.key in _REVIEWS for t in ways) and not any(t.kind == "publish" for t in behind)

    def _published(self) -> bool:
        """Whether the list the words stand in is of what was made public (公开行政许可决定310件、行政处罚决定45件)."""
        first = self.left.mentions[0]
        for token in reversed(self.frame.tokens[max(0, first - 120) : first]):
            if token.kind == "act" or (token.kind == "p" and token.key in ";。"):
                return False
            if token.kind == "publish":
                return True
        return False

    def _of_disclosure(self) -> bool:
        """A dispute about disclosure: said so before, or nothing in the clause speaks of work on cases in general."""
        frame = self.frame
        if _CONCLUDED.search(frame.words(frame.clause(self.index), self.index)):
            return False
        if "foreign" in self.left.blocks:
            return False  # 投诉举报类行政复议
        if _OTHER_CASES.search(frame.text, 0, frame.tokens[self.index].start):
            return False
        work = any(a.key in ("process", "receive", "decisions") for a in self.acts)
        if frame.about_disclosure(self.index, work) or frame.carried.heading in DISPUTES:
            return True
        if self.meaning.general or work:
            return False
        results = bool(self.acts) and all(a.key in _RESULTS for a in self.acts)
        return results or frame.carried.heading is not None or explained(frame, self.left.mentions[0])
