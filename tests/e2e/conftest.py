"""`installed`: wheels in an environment of their own, one for all workers of a run."""

import pytest

from support.installed import made


@pytest.fixture(scope="session")
def installed(tmp_path_factory, request):
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent
    return made(folder / "installed")
