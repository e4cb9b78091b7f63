"""How passwords are hashed in a process of its own, where no test has made it quicker."""

import subprocess
import sys

from argon2 import Type, extract_parameters

from records import passwords


def test_the_hash_is_as_strong_as_owasp_asks() -> None:
    """Source: OWASP, "Password Storage Cheat Sheet": Argon2id with 19 MiB, two iterations, or more."""
    script = "from records import passwords; print(passwords.hashed('a long enough password'))"
    made = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip()
    found = extract_parameters(made)
    assert found.type is Type.ID
    assert found.memory_cost >= 19 * 1024
    assert found.time_cost >= 2
    assert passwords.matches(made, "a long enough password")
    assert not passwords.matches(made, "another long password")
    # It was made with other parameters than those of the tests: the next sign-in would make it anew.
    assert passwords.outdated(made)
