"""An HTML sample printed to PDF by headless Chromium: paper, margins, scale, borders and page furniture by the seed."""

from __future__ import annotations

import re
from random import Random

from extractor.eval.files.chromium import CHROMIUM
from extractor.eval.files.printing import printer

# Inches, as the browser takes them.
_PAPERS = ((8.27, 11.69), (8.27, 11.69), (8.27, 11.69), (8.5, 11.0), (11.69, 16.54), (7.17, 10.12))
# Of the tables that hold no other: those that lay out the page show no lines.
_BORDERS = (
    "TABLE{border-collapse:collapse} CELL{border:1px solid #000!important}",
    "TABLE{border-collapse:collapse} CELL{border:1px solid #000!important}",
    "TABLE{border-collapse:collapse} CELL{border:0.5pt solid #000!important}",
    "TABLE{border-collapse:collapse} CELL{border:1px dashed #333!important}",
    "TABLE{border-collapse:collapse} CELL{border:1px dotted #333!important}",
    "TABLE{border-collapse:collapse} CELL{border:3px double #000!important}",
    "TABLE{border-collapse:separate;border-spacing:2px;border:1px solid #888} CELL{border:1px solid #888!important}",
    # A table whose outer sides are open, one whose lines are the ground between filled cells, one ruled across only.
    "TABLE{border-collapse:collapse;border-style:hidden} CELL{border:1px solid #000!important}",
    "TABLE{border-spacing:1px;background:#000} CELL{background:#fff}",
    "TABLE{border-collapse:collapse} CELL{border:0!important;border-bottom:1px solid #000!important}",
    "TABLE{border-collapse:collapse} CELL{border:0!important}",
    "TABLE{border-collapse:collapse;border-top:2px solid #000;border-bottom:2px solid #000} CELL{border:0!important}",
    "",  # as the page says itself
)
_TABLE = "table:not(:has(table))"
_FOOTERS = (
    '<div style="font-size:9px;width:100%;text-align:center">- <span class="pageNumber"></span> -</div>',
    '<div style="font-size:9px;width:100%;text-align:center"><span class="pageNumber"></span></div>',
    '<div style="font-size:8px;width:90%;text-align:right">第 <span class="pageNumber"></span> 页</div>',
    '<div style="font-size:8px"><span class="pageNumber"></span>/<span class="totalPages"></span></div>',
)
_HEADERS = (
    "<span></span>",
    '<div style="font-size:8px;width:100%;text-align:center" class="title"></div>',
    '<div style="font-size:8px;width:100%;padding-left:1cm">政府信息公开 12345</div>',
)
_NARROWEST = 760  # CSS pixels that table 4 needs beside a page's side column
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) ?\(D:)(\d{14})")


def missing() -> str:
    """What is not installed that printing needs; empty where nothing is missing."""
    return "" if CHROMIUM else "chromium"


def make(html: str, rng: Random) -> bytes:
    """The page as it is printed. Errors: FileNotFoundError without Chromium."""
    width, height = rng.choice(_PAPERS)
    cells = (
        f"td,th{{padding:{rng.choice((0, 1, 3, 6))}px {rng.choice((1, 3, 5))}px;"
        f"text-align:{rng.choice(('left', 'center', 'center', 'right'))};"
        f"vertical-align:{rng.choice(('middle', 'middle', 'top', 'bottom'))}}}"
    )
    style = [
        rng.choice(_BORDERS).replace("TABLE", _TABLE).replace("CELL", f"{_TABLE} :is(td,th)"),
        f"body{{font-size:{rng.choice((10, 12, 14, 16))}px;font-family:{rng.choice(('serif', 'sans-serif'))}}}",
        cells,
        rng.choice(("", "", "table{width:100%}")),
        rng.choice(("", "", "tr{break-inside:avoid}")),
    ]
    head = f"<style>{' '.join(style)}</style></head>"
    landscape = rng.random() < 0.25
    margins = {f"margin{side}": rng.choice((0.4, 0.6, 1.0)) for side in ("Top", "Bottom", "Left", "Right")}
    room = (height if landscape else width) - margins["marginLeft"] - margins["marginRight"]
    options: dict[str, object] = {
        "paperWidth": width,
        "paperHeight": height,
        "landscape": landscape,
        # What is wider than the paper would be cut off.
        "scale": min(rng.choice((1, 1, 0.8, 0.6, 1.2)), 96 * room / _NARROWEST),
        "printBackground": True,
        **margins,
    }
    if rng.random() < 0.5:
        options |= {
            "displayHeaderFooter": True,
            "headerTemplate": rng.choice(_HEADERS),
            "footerTemplate": rng.choice(_FOOTERS),
        }
    page = html.replace("</head>", head, 1)
    return _DATE.sub(lambda match: match[1] + b"0" * len(match[2]), printer().pdf(page, **options))
