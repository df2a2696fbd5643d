"""A report without tables: every number that is given stands in a sentence."""

from __future__ import annotations

from extractor.eval.generator import narrative
from extractor.eval.generator.compose import Context

from extractor.form import FORM, GROUPS, REQUEST_ROWS


def words(context: Context) -> list[str]:
    """The lines of the report; cells that no sentence gives become `missing` on paper."""
    return _Words(context).lines()


class _Words:
    def __init__(self, context: Context) -> None:
        self.context, self.paper = context, context.paper
        self.rng, self.record = context.paper.noise.rng, context.paper.record
        self.said: set[str] = set()

    def lines(self) -> list[str]:
        """Six sections of running text."""
        record, rng, noise = self.record, self.rng, self.paper.noise
        out = [f"{record.organization}{record.year}年政府信息公开工作年度报告", "一、总体情况"]
        out.append(f"{record.year}年，我单位认真落实条例要求。")
        if noise.hit("decoy_numbers", 0.5):
            out.append(narrative.decoys(record, noise))
        out += ["二、主动公开政府信息情况", self._disclosure(), "三、收到和处理政府信息公开申请情况", self._requests()]
        out += ["四、政府信息公开行政复议、行政诉讼情况", self._disputes(), "五、存在的主要问题及改进情况"]
        out += [*narrative.problems(record, noise), "六、其他需要报告的事项", *narrative.other_matters(record, noise)]
        for path, cell in self.paper.cells.items():
            if path not in self.said:
                cell.text, cell.value, cell.state = "", None, "missing"
        self.context.undecided |= self.paper.cells.keys()
        self.context.lenient |= self.paper.cells.keys() - self.said  # words may say that there was none
        return [line for line in out if line] if rng.random() < 0.5 else [piece for line in out for piece in (line, "")]

    def _say(self, path: str) -> str:
        cell = self.paper.cells[path]
        self.said.add(path)
        value = self.record.values[path]
        cell.text, cell.value, cell.state = (
            format(value, "f") if not isinstance(value, int) else str(value),
            value,
            "reported",
        )
        return narrative.space(self.rng, self.context.slots.add(path, cell.text))

    def _requests(self) -> str:
        record, rng = self.record, self.rng
        if record.count("requests.new_received.total") == 0 and rng.random() < 0.6:
            return f"{record.year}年度本机关未收到政府信息公开申请。"
        text = f"全年收到申请{self._say('requests.new_received.total')}件"
        if rng.random() < 0.5:
            text += f"，其中自然人{self._say('requests.new_received.natural_person')}件"
        if rng.random() < 0.5:
            text += f"；上年结转{self._say('requests.carried_in.total')}件"
        text += f"，予以公开{self._say('requests.granted.total')}件"
        text += f"，部分公开{self._say('requests.granted_in_part.total')}件" if rng.random() < 0.6 else ""
        for row in REQUEST_ROWS:
            if row.split(".")[0] in GROUPS and record.count(f"requests.{row}.total") and row in self.paper.rows:
                label = next(r.label for r in FORM.rows if r.key == row)
                text += f"，{label}{self._say(f'requests.{row}.total')}件"
        if rng.random() < 0.6:
            text += f"，结转下年度继续办理{self._say('requests.carried_out.total')}件"
        return text + "。"

    def _disputes(self) -> str:
        record, rng = self.record, self.rng
        out = ""
        for block, name in (("reconsideration", "行政复议"), ("litigation_direct", "行政诉讼（未经复议直接起诉）")):
            if record.count(f"{block}.total") == 0:
                out += f"未发生{name}。"
            else:
                out += f"发生{name}{self._say(f'{block}.total')}件，结果维持{self._say(f'{block}.upheld')}件"
                out += f"，结果纠正{self._say(f'{block}.corrected')}件。" if rng.random() < 0.6 else "。"
        return out

    def _disclosure(self) -> str:
        record, rng = self.record, self.rng
        if record.form != "2021":
            return "主动公开政府信息情况详见网站。"
        text = ""
        if rng.random() < 0.7:
            text += f"本年制发行政规范性文件{self._say('disclosure.normative_documents.issued')}件，"
            text += f"废止{self._say('disclosure.normative_documents.repealed')}件。"
        if rng.random() < 0.7:
            text += f"行政许可处理决定{self._say('disclosure.licensing.decisions')}件，"
            text += f"行政处罚{self._say('disclosure.penalties.decisions')}件。"
        if rng.random() < 0.5:
            text += f"行政事业性收费{self._say('disclosure.fees.amount')}万元。"
        return text or "本年未制发规章、规范性文件。"
