"""docs/settings.md says what records/settings.py reads."""

import re
from pathlib import Path

from records.settings import Settings

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {name: (default, text) for name, default, text in ROW.findall((ROOT / "docs/settings.md").read_text())}
    expected = {
        name.upper(): (
            "none" if field.is_required() else "unset" if field.default is None else f"`{field.default}`",
            field.description,
        )
        for name, field in Settings.model_fields.items()
    }
    assert documented == expected
