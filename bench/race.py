"""The lag race: a session is ended, and from that acknowledgement on somebody keeps asking whether it still works."""

from __future__ import annotations

import time

from bench.contender import Contender
from bench.running import Failed
from bench.wire import Client

PATIENCE = 10.0  # seconds until a session that still works is given up; a cookie cache may keep it for minutes
REFUSED = (401, 403)


def run(contender: Contender, times: int) -> None:
    """Milliseconds from each acknowledgement to the last answer that still accepted; 0 where there was none."""
    assert contender.server is not None
    asker, revoker = Client(contender.server.address), Client(contender.server.address)
    for one in contender.races[:times]:
        if (before := asker.ask(one.ask)).status != 200:
            raise Failed(f"lag race: {before.status} before the session was ended")
        if (ended := revoker.ask(one.revoke)).status not in (200, 204):
            raise Failed(f"lag race: ending it was answered {ended.status}")
        acknowledged = time.perf_counter()
        last = 0.0
        while (answer := asker.ask(one.ask)).status == 200:
            last = (time.perf_counter() - acknowledged) * 1000
            if last > PATIENCE * 1000:
                contender.lags.append(last)
                asker.close()
                revoker.close()
                return  # it is a matter of minutes, and the others would show the same
        if answer.status not in REFUSED:
            raise Failed(f"lag race: {answer.status} after the session was ended")
        contender.lags.append(last)
    asker.close()
    revoker.close()
