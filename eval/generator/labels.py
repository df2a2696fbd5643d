"""How a document words, numbers, spaces out and damages the labels of the form."""

from __future__ import annotations

from dataclasses import dataclass, field

from extractor.eval.generator.noise import Noise

from extractor.form import FORM, GROUPS, Label

_TRADITIONAL = str.maketrans(
    "开请数总计机构组织业务处处理结转办续书类报诉护权个复举项统称监严维纠审经议诉讼后继续过执法规现单价钱额实质观门问题进",
    "開請數總計機構組織業務處處理結轉辦續書類報訴護權個復舉項統稱監嚴維糾審經議訴訟後繼續過執法規現單價錢額實質觀門問題進",
)
_ORDINAL_STYLES = ("{n}.", "{n}.", "{n}.", "{n}.", "{n}. ", "{n}. ", "{n}．", "{n}、", "{n} .", "{n} ", "({n})")
_BRACKETS = (("（", "）"), ("（", "）"), ("(", ")"), ("(", ") "), ("（", ")"))
_QUOTES = (("“", "”"), ("“", "”"), ('"', '"'), ("‘", "’"), ("「", "」"), ("〝", "〞"), ("", ""), ("”", "“"))
_SIMILAR = {
    "予": "与",
    "公": "工",
    "申": "由",
    "请": "清",
    "类": "米",
    "务": "夯",
    "息": "息",
    "理": "里",
    "信": "倍",
    "本": "木",
    "年": "午",
}


@dataclass(slots=True)
class Wording:
    """The label style of one document; every label is drawn once and then stays the same."""

    noise: Noise
    wrap_mark: str = " "
    bracket: tuple[str, str] = ("（", "）")
    ordinal: str = "{n}."
    quote: tuple[str, str] = ("“", "”")
    comma: str = "，"
    _made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = self.noise.rng
        self.bracket = rng.choice(_BRACKETS)
        self.ordinal = rng.choice(_ORDINAL_STYLES)
        self.quote = rng.choice(_QUOTES)
        self.comma = rng.choice(("，", "，", ",", ", "))

    def row(self, key: str, *, ordinals: bool = True) -> str:
        """The label of a row of table 3 (or of a group row), with its ordinal."""
        name = f"row {key}"
        if name not in self._made:
            self._made[name] = self._row(key, ordinals)
        return self._made[name]

    def _row(self, key: str, ordinals: bool) -> str:
        if key.endswith(".all"):
            return self.group(key.split(".")[0])
        label = next(row for row in FORM.rows if row.key == key)
        text = self._style(self._pick(label))
        if not ordinals or self.noise.hit("lost_ordinals", 0.5):
            return text
        if label.ordinal.startswith("（"):
            return self._bracketed(label.ordinal[1:-1]) + text
        if label.group:
            return self.ordinal.format(n=label.ordinal) + text
        return f"{label.ordinal}、{text}"

    def group(self, key: str) -> str:
        """The label of a group: （三）不予公开, or 三、本年度办理结果."""
        name = f"group {key}"
        if name not in self._made:
            label = next(group for group in FORM.groups if group.key == key)
            text = self._style(label.label)
            self._made[name] = self._bracketed(label.ordinal) + text if key in GROUPS else f"{label.ordinal}、{text}"
        return self._made[name]

    def plain(self, text: str) -> str:
        """Any other label (a column, a field, a caption) in this document's style."""
        if text not in self._made:
            self._made[text] = self._style(text)
        return self._made[text]

    def _bracketed(self, n: str) -> str:
        return f"{self.bracket[0]}{n}{self.bracket[1]}"

    def _pick(self, label: Label) -> str:
        if label.variants and self.noise.hit("label_variants", 0.3):
            return self.noise.rng.choice(label.variants)
        return label.label

    def _style(self, text: str) -> str:
        noise, rng = self.noise, self.noise.rng
        if "三安全" in text:
            text = text.replace("“", self.quote[0]).replace("”", self.quote[1])
        text = text.replace("，", self.comma)
        if self.bracket[0] == "(":
            text = text.replace("（", "(").replace("）", ")")
        if len(text) >= 6 and "单位" not in text and noise.hit("one_char_off", 0.08):
            at = rng.randrange(1, len(text))
            similar = _SIMILAR.get(text[at], "")
            text = text[:at] + (similar if rng.random() < 0.6 else "") + text[at + 1 :]
        if noise.on("traditional"):
            noise.note("traditional")
            text = text.translate(_TRADITIONAL)
        if len(text) < 9 and noise.hit("spaced_labels", 0.5):
            text = " ".join(text)
        elif len(text) > 3 and noise.hit("broken_labels", 0.3):
            at = rng.randrange(2, len(text))
            text = text[:at] + self.wrap_mark + text[at:]
        return text
