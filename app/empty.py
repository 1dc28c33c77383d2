"""What `magic141 bench api` compares with, no part of the API: empty routes, one Redis write and one read."""

from fastapi import FastAPI
from redis import Redis

from worker.contract.queue import connect
from worker.contract.settings import Settings

KEY = "magic141:bench"


def create_app() -> FastAPI:
    redis: Redis = connect(Settings.load(), patient=False)
    app = FastAPI()

    @app.post("/write", status_code=202)
    def write() -> dict[str, str]:
        redis.set(KEY, "x")
        return {"status": "ok"}

    @app.get("/read")
    def read() -> dict[str, str | None]:
        found = redis.get(KEY)
        return {"status": found and found.decode()}

    return app
