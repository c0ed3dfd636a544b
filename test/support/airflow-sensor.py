"""Runs the sensor of examples/schedulers with Airflow's own classes, one case after the other.

Argument: JSON, a list of {"sensor": arguments of the sensor, "hour": start of the data interval, ISO}.
Each case ends with a line on standard output: {"ended": "complete" or the name of what was raised}.
"""

import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "schedulers"))

from airflow.sdk import DAG
from lakeward_sensor import LakewardSensor


class FirstTry:
    """What a task in mode "reschedule" asks of its own instance."""

    def get_first_reschedule_date(self, _context):
        return None


def ended(case):
    start = datetime.datetime.fromisoformat(case["hour"])
    with DAG("lakeward", schedule="@hourly", start_date=start):
        sensor = LakewardSensor(task_id="hour_is_complete", **case["sensor"])
    context = {"data_interval_start": start, "ti": FirstTry()}
    sensor.render_template_fields(context)
    try:
        sensor.execute(context)
    except Exception as error:
        return type(error).__name__
    return "complete"


for case in json.loads(sys.argv[1]):
    print(json.dumps({"ended": ended(case)}), flush=True)
