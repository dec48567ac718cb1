"""What the scenarios share: the demo, the client that the test has made, and assertions."""
import base64
import json
import os

demo = json.load(open(os.environ["STAGEDOOR_DEMO"]))
relying = json.loads(os.environ.get("STAGEDOOR_CLIENT", "{}"))
domain = demo["domain"]
name = "python-" + os.urandom(6).hex()


def step(what, work):
    """Names what is tried, so that a failure tells how far the scenario came."""
    try:
        result = work()
    except Exception:
        print("FAIL", what)
        raise
    print("ok  ", what)
    return result


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def refused(work, *texts):
    """Expects the SDK to fail with one of the texts."""
    try:
        got = work()
    except Exception as e:  # each SDK has errors of its own
        said = f"{e!r} {e}"
        assert any(text in said for text in texts), said
        return
    raise AssertionError(f"not refused: {got!r}")


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
