"""What a container of `docker-compose.yml` may do, use and be reached by."""

from __future__ import annotations

import re

import pytest

from tests.deploy.compose_file import REPOSITORY, read_compose_file

COMPOSE = read_compose_file()
SERVICES = COMPOSE.services

every_service = pytest.mark.parametrize("name", SERVICES)


@every_service
def test_a_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service.read_only
    assert service.cap_drop == ("ALL",)
    assert not service.cap_add
    assert "no-new-privileges:true" in service.security_opt
    assert not service.privileged
    assert not service.devices


@every_service
def test_a_service_does_not_run_as_root(name: str) -> None:
    assert all(int(number) > 0 for number in SERVICES[name].user.split(":"))


@every_service
def test_a_service_has_namespaces_of_its_own(name: str) -> None:
    service = SERVICES[name]
    assert (service.network_mode, service.pid, service.ipc) == (None, None, None)
    assert not any(".sock" in volume for volume in service.volumes)


@every_service
def test_folders_of_the_host_are_mounted_read_only(name: str) -> None:
    for source, *rest in (volume.split(":") for volume in SERVICES[name].volumes):
        assert source in COMPOSE.volumes or (rest[-1] == "ro" and (REPOSITORY / source).is_dir())


@every_service
def test_a_folder_in_memory_is_small_and_its_user_s_own(name: str) -> None:
    user, group = SERVICES[name].user.split(":")
    for folder in SERVICES[name].tmpfs:
        options = folder.partition(":")[2].split(",")
        assert {f"uid={user}", f"gid={group}", "mode=0700"} <= set(options)
        assert any(re.fullmatch(r"size=\d{1,2}m", option) for option in options)


@every_service
def test_a_service_has_limits(name: str) -> None:
    deploy, log = SERVICES[name].deploy, SERVICES[name].logging
    assert deploy is not None
    assert 0 < float(deploy.resources.limits.cpus) <= 2
    assert re.fullmatch(r"\d+[MG]", deploy.resources.limits.memory)
    assert 0 < deploy.resources.limits.pids <= 512
    assert log is not None
    assert {"max-size", "max-file"} <= log.options.keys()
