"""OpenStack Swift behind its S3 interface, in one process: run by `tests.swift`, never imported.

Swift's proxy, account, container and object servers, each on a loopback port of its own, with one replica on
one device. Objects stay in memory: not every file system takes the attributes that Swift keeps with a file.
"""

import json
import sys
from pathlib import Path

import eventlet
from eventlet import wsgi
from swift.account.server import app_factory as account_server
from swift.common import utils
from swift.common.ring import RingBuilder
from swift.common.wsgi import SwiftHttpProtocol, loadapp
from swift.container.server import app_factory as container_server
from swift.obj.mem_server import app_factory as object_server

SWIFT = """
[swift-hash]
swift_hash_path_suffix = tests
"""
# No `cache` filter: it wants memcached. Small pages, so that a test fills some; patience, for a busy machine.
PROXY = """
[DEFAULT]
{options}

[pipeline:main]
pipeline = catch_errors gatekeeper s3api tempauth slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 10
node_timeout = 60

[filter:s3api]
use = egg:swift#s3api
location = {region}
max_bucket_listing = {page}
max_multi_delete_objects = {page}

[filter:tempauth]
use = egg:swift#tempauth
{users}

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:slo]
use = egg:swift#slo
"""


def main(folder: Path, port: int, region: str, page: int, users: dict[str, tuple[str, str]]) -> None:
    """Serve until killed. `users`: access key -> (secret key, role)."""
    utils.monkey_patch()
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(SWIFT)
    utils.set_swift_dir(str(folder))
    options = {
        "swift_dir": str(folder),
        "devices": str(folder / "devices"),
        "mount_check": "false",
        "log_level": "ERROR",
        # Discarded: the machine's own log is not ours to fill.
        "log_udp_host": "127.0.0.1",
        "log_udp_port": "9",
    }
    utils.get_logger(options, log_to_console=True)  # from here on every logger writes to stderr too
    servers = {"account": account_server, "container": container_server, "object": object_server}
    for name, server in servers.items():
        listener = eventlet.listen(("127.0.0.1", 0))
        save_ring(folder / f"{name}.ring.gz", listener.getsockname()[1])
        eventlet.spawn(serve, listener, server(options))
    conf = folder / "proxy-server.conf"
    conf.write_text(
        PROXY.format(
            options="\n".join(f"{name} = {value}" for name, value in options.items()),
            region=region,
            page=page,
            users="\n".join(
                f"user_{access_key.replace(':', '_')} = {secret_key} {role}"
                for access_key, (secret_key, role) in users.items()
            ),
        )
    )
    serve(eventlet.listen(("127.0.0.1", port)), loadapp(str(conf)))


def save_ring(path: Path, port: int) -> None:
    builder = RingBuilder(part_power=1, replicas=1, min_part_hours=0)
    address = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({"region": 1, "zone": 1, "device": "d1", "weight": 1.0, "meta": "", **address})
    builder.rebalance()
    builder.get_ring().save(str(path))


def serve(listener, app) -> None:
    # S3 clients look for `ETag`; eventlet would say `Etag`.
    wsgi.server(
        listener, app, utils.NullLogger(), protocol=SwiftHttpProtocol, capitalize_response_headers=False
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), **json.load(sys.stdin))
