"""What nobody asks for: rows that have served their time go, and a clock that was set back holds nothing up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from working import DOUBTFUL, accept, change, done, settings, working

from extractor.service.database import deliveries, extractions, idempotency, instances, open_work, tables
from extractor.service.database.extractions import Submission
from extractor.service.ids import now
from extractor.service.state import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with working(settings(tmp_path_factory.mktemp("data"))) as service:
        yield service


def test_a_clock_that_is_set_back_holds_nothing_up(service: Service) -> None:
    lost = accept(service, DOUBTFUL + "\nfrom the future", put=False)
    change(service, lost, created="2199-01-01T00:00:00.000Z")
    service.worker.keeper.sweep(0.0)
    assert done(service, lost).state == "done"
    with service.database.write() as connection:
        for name, wait in (("soon", 300.0), ("set-back", 3 * 86400.0)):
            extraction = extractions.submit(connection, Submission(data=name.encode(), source=name), None).id
            waiting = {"state": "waiting", "retry_at": now(wait)}
            mine = tables.extractions.c.id == extraction
            connection.execute(sa.update(tables.extractions).where(mine).values(waiting))
            told = {"id": f"d_{name}", "event": "x", "target": extraction, "url": "", "payload": "", "state": "pending"}
            connection.execute(sa.insert(tables.deliveries), told | {"next_at": now(wait), "created": now()})
        due = [extractions.head(connection, one.id) for one in open_work.due(connection)]
        assert [one.source for one in due if one is not None] == ["set-back"]
        assert [id for id, _ in deliveries.due(connection)] == ["d_set-back"]
        connection.rollback()


def test_idempotency_keys_do_not_pile_up(service: Service) -> None:
    extraction = accept(service, DOUBTFUL + "\nkeyed")
    with service.database.write() as connection:
        for key, age in (("old", 31), ("young", 29)):
            idempotency.keep(connection, "k", key, "mark", extraction)
            mine = tables.idempotency.c.idempotency_key == key
            connection.execute(sa.update(tables.idempotency).where(mine).values(created=now(-age * 86400)))
    service.worker.keeper._pruned = float("-inf")
    service.worker.keeper._prune()
    with service.database.read() as connection:
        assert connection.execute(sa.select(tables.idempotency.c.idempotency_key)).scalars().all() == ["young"]


def test_names_of_instances_do_not_pile_up(service: Service) -> None:
    with service.database.write() as connection:
        for name, seen in (("long gone", now(-2 * 86400)), ("lately", now(-60))):
            connection.execute(sa.insert(tables.instances), {"name": name, "started": seen, "seen": seen})
        instances.enter(connection, "new")
        assert set(connection.execute(sa.select(tables.instances.c.name)).scalars()) == {"lately", "new"}
        connection.rollback()
