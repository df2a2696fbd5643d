"""Whose number it is: the body's own, the whole region's, the government office's, the subordinates', another's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from extractor.claims.claim import Scope
from extractor.claims.subjects import subjects

_LEVEL = "省市县区州旗盟"
_UNITS = (
    "[子分]公司|院系|支队|大队|街道办事处|街道办|学校|院校|医院|企业|社区|派出所"
    "|乡镇|镇街|街镇|街道|乡|镇|部门|单位|科室|站所|村|股室|分局|直属单位|级部门|职能部门|责任单位|机关"
)
_FURTHER = (
    rf"[{_LEVEL}]?(?:直|级)?(?:各)?(?:乡镇|街道|镇|乡|有关部门|有关单位|直属单位|直属机构|部门|单位|机关|园区|村)"
)
# The office of the government; the whole region or system; what is below the body; the body by a word for itself; a
# government.
_OFFICE = rf"其办公[室厅]|(?:[{_LEVEL}]|自治区)?(?:人民)?政府办(?:公[室厅])?(?!网|文|理|事)"
_WHOLE = (
    rf"全[{_LEVEL}乡镇](?:范围内)?"
    r"(?:(?:各级|各)?(?:行政机关|政府机关|机关|部门|单位|乡镇|街道|政府|和|、|及)){0,6}"
    r"(?:(?:各级|各)?(?:(?!收到|受理|接收|办[结理]|通过|共|新收|作出)[一-鿿]){2,9}?(?:系统|部门))?(?!性|面|媒|景|程|平均|首位|第[一二三]|前[列茅位]|之[首最]|排名|领先|总[量数]的)"
    rf"|[本我][{_LEVEL}](?:范围内)?各级(?:行政机关|政府机关|机关|政府)"
    r"|全街道|全系统|各级(?:各部门|行政机关|政府部门|政府|部门|机关){1,3}"
)
_SUBORDINATES = (
    rf"(?:[{_LEVEL}](?:人民)?政府(?=各)|[{_LEVEL}]直|[{_LEVEL}]级|[区市县省]属)?(?:和)?各(?:个)?"
    rf"(?:(?:[{_LEVEL}]|\([{_LEVEL}、]{{1,7}}\)){{1,4}}(?:[一-鿿]{{1,6}}?局|局|政府)?|{_UNITS})"
    rf"(?:(?:、|和|及|以及){_FURTHER}){{0,4}}"
    r"|其[他它余](?:各)?(?:部门|单位|乡镇|机关|职能部门|成员单位|行政机关)(?:和(?:乡镇|街道|单位|部门))?"
    rf"|[{_LEVEL}](?:直|级)(?:有关)?(?:部门|单位|机关)(?:和(?:各)?(?:乡镇|街道|单位|部门))?"
    r"|[局厅委院]?(?:下属|所属|直属|下辖|属)(?:各)?(?:单位|部门|机构|站所|局|二级单位|事业单位|学校|院校|医院|企业|[子分]公司|支队|大队)"
    r"(?:和[^,。;、\d]{2,6}(?:学校|单位|机构))?"
    r"|(?:所辖|下辖|辖区内?)(?:各)?(?:[县市区旗乡镇]|街道|\([县市区、]{1,5}\)){1,4}"
    r"|(?:街道|镇街|乡镇|部门|单位)(?:和|、|及)(?:街道|镇街|乡镇|部门|单位)(?!协调|联动|衔接|之间)"
    r"|(?:乡镇|镇街|街镇)(?:\(街道\)|、?街道|和街道)?(?!府|政府|村|干部|企业)|基层(?:单位|站所)|区县|县区|(?:县|区|乡镇?|镇)级(?:人民)?政府|[县市区]\([县市区旗、]{1,5}\)"
)
_OWN = (
    r"[我本该](?:人民)?(?:机关|局|单位|委|办公室|办公厅|办|厅|院|中心|部门|街道办事处|街道|镇|乡|站|所|会|社|校|公司"
    rf"|[{_LEVEL}](?:人民)?(?:政府)?)(?!级|地区|报告|年|着|案|员|人|次|项|身)"
    rf"|[{_LEVEL}局厅委院镇乡街道]?(?:机关本级|机关本部|本级)(?!人大)|全(?:[局委厅院校办站所馆会队]|公司|集团)"
    rf"|[{_LEVEL}]?[局厅委]机关(?!干部|党委|事务)"
)
_GOVERNMENT = (
    rf"[{_LEVEL}镇乡](?:人民)?政府(?!信息|办|网|门户|公报|采购|规章|部门|工作|常务|投资|令|公布|服务|集中|职能|机关"
    r"|系统|规范|开放|购买|年度|各|性)"
)
SCOPE = "|".join((_OFFICE, _WHOLE, _SUBORDINATES, _OWN, _GOVERNMENT))
_BELOW = re.compile(
    r"[(]|^其[他它余]|^(?:街道|部门|单位)(?:和|、|及)|各(?!级)|下属|所属|直属|下辖|所辖|^辖区|^属|^[局厅委院]属|^乡镇|^镇街|^街镇|基层|直(?:有关)?(?:部门|单位|机关)"
    r"|(?<!各)级(?:有关)?(?:部门|单位|机关)|区县|县区|级(?:人民)?政府"
)
_RANK = {"省": 4, "市": 3, "州": 3, "盟": 3, "县": 2, "区": 2, "旗": 2, "镇": 1, "乡": 1, "道": 1}
_PLACE = re.compile(
    r"(?:[^省市县区州旗盟镇乡]{1,12}(?:自治)?(?:省|市|县|区|州|旗|盟|镇|乡|街道)"
    r"|(?<=.)[^省市县区州旗盟镇乡]{2,3}(?:市|县|区|旗|镇|乡|街道))"
)
_BODY_END = re.compile(
    r"(?:局|委|会|办公室|办公厅|(?<!大)厅|院|中心|镇|乡|街道|处|部门|机关|大队|支队|总队|公司|学校|站|所|政府|县|市|区|旗|州|省)$"
)
# Without a place before it the name may be of a part of the reporting body.
_PART_OF = re.compile(r"(?:院|中心|处|室|队|站|所|委|会|部门|机关|公司|学校|集团)$")
_LOCAL = re.compile(rf"[{_LEVEL}镇乡].")
# No body's name holds one of these.
_VERB = re.compile(
    r"[的了是在将并]|开展|加强|做好|推进|落实|依托|通过|根据|按照|围绕|针对|完善|规范|代理|承办|参与|协助|指导|组织|配合|移送|移交|转|报|向|与|为"
    r"|认真|及时|坚持|严格|积极|主动|公开|提供|公布|列明|梳理|清理|取消|下放|承接|审查|送达|通知|约谈|抽查|涉及"
)
_OBJECT = re.compile(
    r"(?:由|转|转给|转交|交|对|向|给|经|被|为|让|请|送|报|以|据|从|在|居|占|列|高于|低于|配合|上报|要求|依托|通过|支持)$"
)


def _canonical(name: str) -> str:
    return name.replace("人民政府", "政府").replace("办公厅", "办公室")


class Body:
    """The reporting body: what it is called, of which region and of which rank it is."""

    def __init__(self, name: str | None) -> None:
        self.name = _canonical(name or "")
        self.place, self.rank, self.level = "", 0, ""
        for match in iter(lambda: _PLACE.match(self.name, len(self.place)), None):
            self.place += match.group()
        if self.place:
            self.level = self.place[-1]
            self.rank = _RANK.get(self.level, 0)
            if self.place.endswith("自治区"):
                self.rank = 4
        rest = self.name[len(self.place) :]
        self.region = bool(self.place) and rest in ("", "政府", "办事处", "管理委员会", "管委会")
        self.office = rest.endswith("政府办公室") or rest == "办公室"
        calls = [word for kind, words in subjects().own if kind.search(self.name) for word in words]
        self._calls = re.compile("|".join(calls)) if calls else None
        self._short = self.name.replace("委员会", "委")

    def owns(self, name: str) -> bool:
        """Whether `name` is the body's own, in full or short (县水利局, 县政府, 局机关, 街道)."""
        name = re.sub(r"(?:机关本级|机关|本级)$", "", _canonical(name))
        if not name or not self.name:
            return False
        if name.endswith("政府办"):
            name += "公室"
        own = {self.name}
        if self.region:
            own |= {self.place, self.place + "政府", self.place + "办事处"}
        if any(full.endswith(name) for full in own):
            return True
        if self._calls is not None and self._calls.fullmatch(name):
            return True
        if (
            len(name) >= 3
            and name[-1] in "局委厅"
            and name[0] in (self.level, self.name[0])
            and self._abbreviated(name)
        ):
            return True
        # 市局, 厅: the level and the kind of body alone.
        return len(name) <= 2 and name[-1] == self.name[-1] and (len(name) == 1 or name[0] == self.level)

    def _abbreviated(self, name: str) -> bool:
        """Whether the characters of a short name stand in the full name in this order (市国资委)."""
        rest = iter(self._short)
        return name[-1] == self._short[-1] and all(char in rest for char in name)


@lru_cache(maxsize=64)
def body(name: str | None) -> Body:
    """The reporting body of that name."""
    return Body(name)


def scope_of(word: str, before: str, own: Body) -> Scope | None:
    """The scope that a word names, `before` being the words right before it; None where it is nobody's number
    (由县政府办转办)."""
    if _OBJECT.search(before):
        return None
    if re.search(r"政府办(?:公[室厅])?$", word):
        if own.rank and _RANK.get(word[0], 0) > own.rank:
            return "other"  # 州政府办公室, in the report of a county
        return "body" if own.owns(word) or (own.office and own.name.endswith(_canonical(word)[-3:])) else "office"
    if word[0] == "全":
        return _whole(word, own)
    if word[0] in "我本该" and "各级" in word:
        return _whole("全" + word[1:], own)
    if word[0] in "我本该":
        return _mine(word, own)
    if _BELOW.search(word):
        if word.endswith("政府") and own.rank and _RANK.get(word[0], 0) >= own.rank:
            return None
        return "subordinates"
    if word.startswith("各级"):
        return "region"
    if word.endswith(("本级", "本部")):
        return "body"
    return "body" if own.owns(word) or own.owns(before + word) else "other"


def _whole(word: str, own: Body) -> Scope:
    level = word[1]
    if level in "局委厅院校办站所馆会队公集":
        return "body"
    if word.startswith("全系统"):
        return "region"
    if level == "街":
        return "body"
    if level in "乡镇" and own.rank <= 1:
        return "body"
    return "other" if own.rank and _RANK.get(level, 0) > own.rank and level != own.level else "region"


def _mine(word: str, own: Body) -> Scope:
    level = word[1]
    if level in "省市县区州旗盟":
        if own.rank and level != own.level and _RANK.get(level, 0) > own.rank:
            return "other"
        return "body" if own.region or not own.name else "region"
    if word[0] == "该" and not own.owns(word[1:]):
        return "other"
    return "body"


@lru_cache(maxsize=512)
def named(name: str, own: Body) -> Scope | Literal["doubt"] | None:
    """The scope of a body that is called by name; None where the words are no body's name, "doubt" where they may be
    the name of a part of the body as well as of another."""
    if own.owns(name) or own.owns(re.sub(r"^该", "", name)):
        return "body"
    if own.place and (name == own.place or _canonical(name) == own.place + "政府"):
        return "body" if own.region else "region"
    if not 2 <= len(name) <= 18 or not _BODY_END.search(name) or _VERB.search(name):
        return None
    return "doubt" if _PART_OF.search(name) and not _LOCAL.search(name) else "other"
