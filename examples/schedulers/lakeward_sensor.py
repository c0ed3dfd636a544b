"""An Airflow sensor that waits until a partition of a stream is complete.

    LakewardSensor(
        task_id="app_events_is_complete",
        stream="app_events",
        partition="{{ data_interval_start.strftime('%Y-%m-%dT%H') }}",
        address="http://lakeward:8700",
        mode="reschedule",
        poke_interval=60,
    )

It asks a running daemon: GET /api/v1/streams/STREAM/partitions/PARTITION. The answer has a tag, so that asking again costs
next to nothing. While the partition waits, the log of the task says what for. With ``revision`` it waits for that revision
or a newer one: late rows that are appended come with later revisions.

Needs Python's standard library and Airflow alone.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Sequence

try:
    from airflow.sdk import BaseSensorOperator
except ImportError:  # Airflow 2
    from airflow.sensors.base import BaseSensorOperator


class LakewardSensor(BaseSensorOperator):
    template_fields: Sequence[str] = ("stream", "partition")

    def __init__(
        self,
        *,
        stream: str,
        partition: str,
        address: str,
        token: str | None = None,
        revision: int = 1,
        answer_timeout: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stream = stream
        self.partition = partition
        self.address = address
        self.token = token
        self.revision = revision
        self.answer_timeout = answer_timeout
        self._tag: str | None = None

    def poke(self, context: Any) -> bool:
        answer = self._ask()
        if answer is None:
            return False
        if answer.get("place") == "announced" and answer.get("revision", 0) >= self.revision:
            self.log.info("%s %s is complete: revision %s", self.stream, self.partition, answer["revision"])
            return True
        why = answer.get("why", {})
        self.log.info("waits (%s): %s", why.get("rule"), why.get("sentence"))
        return False

    def _ask(self) -> dict[str, Any] | None:
        """The answer, or None where nothing has changed, or where nobody answers yet."""
        names = [urllib.parse.quote(part, safe="") for part in (self.stream, self.partition)]
        request = urllib.request.Request(f"{self.address}/api/v1/streams/{names[0]}/partitions/{names[1]}")
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        if self._tag is not None:
            request.add_header("If-None-Match", self._tag)
        try:
            with urllib.request.urlopen(request, timeout=self.answer_timeout) as response:
                self._tag = response.headers.get("ETag")
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 304:
                return None
            if error.code >= 500:
                self.log.warning("lakeward answers %s", error.code)
                return None
            raise
        except (urllib.error.URLError, TimeoutError) as error:
            self.log.warning("lakeward does not answer: %s", error)
            return None
