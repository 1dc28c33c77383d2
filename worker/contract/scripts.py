"""The atomic steps of the job store, as Lua that Redis runs undivided: the files in lua/, each of which
begins with what it takes and returns.

A token is valid while the record still carries it. The lease key beside it only tells whether its holder is
alive: a holder that was merely slow may go on as long as nobody took the job from it.
"""

from pathlib import Path

from worker.contract import keys

_NAMES = f"""
local JOB, OUTBOX_ENTRY, INDEX_OF = '{keys.JOB_PREFIX}', '{keys.OUTBOX_PREFIX}', '{keys.INDEX_PREFIX}'
local INDEX, PENDING_OF, RUNNING = '{keys.INDEX}', '{keys.PENDING_PREFIX}', '{keys.RUNNING}'
local OUTBOX, COUNTER = '{keys.OUTBOX}', '{keys.LEASE_COUNTER}'
local WINDOW_SECONDS_OF = '{keys.WINDOW_SECONDS_PREFIX}'
local SHARES, VIRTUAL_TIME = '{keys.SHARES}', '{keys.VIRTUAL_TIME}'
local FINISHED, DEAD_LETTERS = '{keys.FINISHED}', '{keys.DEAD_LETTERS}'
local WAITING_OF = '{keys.WAITING_PREFIX}'
local WAITING_SINCE, COUNTERS = '{keys.WAITING_SINCE}', '{keys.COUNTERS}'
local API_KEYS, ACCEPTED_OF, ASKED_OF = '{keys.API_KEYS}', '{keys.ACCEPTED_PREFIX}', '{keys.ASKED_PREFIX}'
local SHARERS_OF, TRASH = '{keys.SHARERS_PREFIX}', '{keys.TRASH}'
"""


def _lua(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text()


_PRELUDE = _NAMES + _lua("prelude")


def _script(name: str) -> str:
    return _PRELUDE + _lua(name)


CREATE = _script("create")
READ = _NAMES + _lua("read")  # asked most often, and needs nothing else
BACKLOG = _script("backlog")
TAKE = _script("take")
RENEW = _script("renew")
LEAVE = _script("leave")
ASTRAY = _script("astray")
OUTRANKED = _script("outranked")
COMMIT = _script("commit")
SET_ARTIFACT = _script("set_artifact")
FINISH = _script("finish")
REQUEST_CANCEL = _script("request_cancel")
REQUEUE = _script("requeue")
DELETE = _script("delete")
DISCARD = _script("discard")
BEGIN_WINDOW = _script("begin_window")
AMEND = _script("amend")
TAKE_DUE = _script("take_due")
REDELIVER = _script("redeliver")
PUT_OFF = _script("put_off")
