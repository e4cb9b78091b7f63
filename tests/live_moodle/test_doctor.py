"""`copbridge doctor` on a site that is connected."""

from dataclasses import replace

from tests.live_moodle.world import SLUG, LiveCourse, World
from tests.support.cli import Cli


def test_the_doctor_looks_at_everything(world: World, course: LiveCourse, role: str) -> None:
    world.connect(role)
    world.first_sweep(course.id)
    answer = Cli(world.settings)("doctor", SLUG, "--course", str(course.id), "--json")
    report = answer.data
    assert answer.code == report["exit_code"], answer.err
    checks = {check["check"]: check for check in report["checks"]}
    assert {"answers", "version", "functions", "capabilities", "completion"} <= checks.keys()
    assert [name for name, check in checks.items() if check["because"]] == []
    lacking = [one["params"] for one in checks["capabilities"]["findings"] if one["severity"] in ("warning", "error")]
    assert lacking == [], "what the suite itself read with the token proves that nothing is lacking"


def test_the_doctor_names_a_wrong_token(world: World) -> None:
    world.given = replace(world.given, token="0" * 32)
    world.connect("student")
    answer = Cli(world.settings)("doctor", SLUG, "--json")
    assert answer.code == 4, answer.err
    found = {one["code"] for check in answer.data["checks"] for one in check["findings"]}
    assert "token_invalid" in found
