"""A private Ceph object gateway from Debian's packages, on loopback.

One monitor, one OSD on a sparse file, one gateway; no manager, no authentication
among them, one copy of everything.
"""

from __future__ import annotations

import shutil
import subprocess
import uuid
from contextlib import suppress
from pathlib import Path

from live.network import free_port
from live.s3 import (
    ACCESS_KEY,
    SECRET_KEY,
    Programs,
    create_bucket,
    wait_for_answer,
)

PACKAGES = "radosgw ceph-mon ceph-osd"

_ATTEMPTS = 5
"""Who asks the monitor before he has its map, as happens on a busy machine, names no
cluster and is refused: an OSD ends then."""

_SETTINGS = """
[global]
fsid = {fsid}
mon_host = v1:127.0.0.1:{monitor_port}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = {folder}
admin_socket = {folder}/$name.asok
pid_file = {folder}/$name.pid
log_file = {folder}/$name.log
crash_dir = {folder}
mon_cluster_log_file = {folder}/cluster.log
mon_data = {folder}/mon
mon_allow_pool_size_one = true
mon_data_avail_crit = 1
osd_data = {folder}/osd
osd_objectstore = bluestore
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_memory_target = 939524096
bluestore_block_size = 21474836480
bluestore_fsck_on_mount = false
mon_max_pg_per_osd = 1000
rgw_data = {folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{gateway_port} tcp_nodelay=1
rgw_thread_pool_size = 64
rgw_gc_max_objs = 8
rgw_lc_max_objs = 8
rgw_usage_max_shards = 8
rgw_data_log_num_shards = 1
rgw_md_log_max_shards = 1
rgw_reshard_num_logs = 1
rgw_dynamic_resharding = false
rgw_enable_usage_log = false
rgw_run_sync_thread = false
"""


class CephServer:
    """One running gateway, with a user that the tests know."""

    def __init__(self) -> None:
        for program in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"):
            if shutil.which(program) is None:
                raise FileNotFoundError(
                    f"{program} is not installed; on Debian: apt-get install {PACKAGES}"
                )
        self._programs = Programs("ceph")
        self._folder = self._programs.folder
        self._settings = self._folder / "ceph.conf"
        self._gateway_port = free_port()
        self.endpoint = f"http://127.0.0.1:{self._gateway_port}"

    def start(self) -> None:
        """Make the cluster and wait until its gateway answers."""
        fsid, monitor_port = str(uuid.uuid4()), free_port()
        self._settings.write_text(
            _SETTINGS.format(
                fsid=fsid,
                folder=self._folder,
                monitor_port=monitor_port,
                gateway_port=self._gateway_port,
            )
        )
        self._start_monitor(fsid, monitor_port)
        self._start_osd()
        self._start_gateway()
        create_bucket(self)

    def _start_monitor(self, fsid: str, port: int) -> None:
        monitor_map = self._folder / "monmap"
        address = f"[v1:127.0.0.1:{port}]"
        self._programs.run(
            "monmaptool",
            "--create",
            "--fsid",
            fsid,
            "--addv",
            "a",
            address,
            monitor_map,
        )
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monitor_map)
        self._spawn("ceph-mon", "-i", "a", "-f")
        self._tell("--connect-timeout", "60", "mon", "stat")

    def _start_osd(self) -> None:
        osd_id = str(uuid.uuid4())
        (self._folder / "osd").mkdir()
        self._tell("osd", "new", osd_id)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        for _ in range(_ATTEMPTS):
            process, _ = self._spawn("ceph-osd", "-i", "0", "-f")
            if self._comes_up(process):
                return
        raise RuntimeError(f"no OSD comes up: {process.args!r}")

    def _comes_up(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until the OSD is up; return whether it did not end instead."""
        while process.poll() is None:
            if " 1 up" in self._tell("osd", "stat"):
                return True
        return False

    def _tell(self, *words: str) -> str:
        """Have the monitor do something."""
        for _ in range(_ATTEMPTS):
            with suppress(RuntimeError):
                return self._run("ceph", *words)
        return self._run("ceph", *words)

    def _start_gateway(self) -> None:
        self._run(
            "radosgw-admin",
            "user",
            "create",
            "--uid=tests",
            "--display-name=tests",
            f"--access-key={ACCESS_KEY}",
            f"--secret-key={SECRET_KEY}",
        )
        process, log = self._spawn("radosgw", "-n", "client.rgw", "-f")
        wait_for_answer(self.endpoint, process, log)

    @property
    def pids(self) -> list[int]:
        """The processes of monitor, OSD and gateway."""
        return self._programs.pids

    def stop(self) -> None:
        """End it and remove its files."""
        self._programs.stop()

    def _run(self, program: str, *arguments: object) -> str:
        return self._programs.run(program, "-c", self._settings, *map(str, arguments))

    def _spawn(
        self, program: str, *arguments: str
    ) -> tuple[subprocess.Popen[bytes], Path]:
        return self._programs.start(program, "-c", self._settings, *arguments)
