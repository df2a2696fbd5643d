"""`/v1/lines`: all current results as the JSON Lines that `gouji export` and `gouji check` take."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from extractor.service.api.deps import Filtered, Reader, Serving
from extractor.service.api.described import SCHEMAS, answers, problems
from extractor.service.database.listing import current_lines

router = APIRouter(prefix="/v1", tags=["extractions"])
NDJSON = "application/x-ndjson"
LINES = answers(
    200,
    "One line of the contract for each report.",
    NDJSON,
    {"type": "string", "description": f"Lines of JSON, each as {SCHEMAS}Line."},
)


@router.get(
    "/lines",
    summary="All current results as JSON Lines",
    response_class=StreamingResponse,
    responses=LINES | problems(),
)
def lines(service: Serving, caller: Reader, filters: Filtered) -> StreamingResponse:
    """Of each document the newest result, the oldest document first. `verdict`, `year` and `organization` are those of
    the report. `curl -s …/v1/lines | gouji export - -o all.xlsx` makes tables of them."""
    return StreamingResponse(current_lines(service.database, filters), media_type=NDJSON)
