"""`python -m tests.reach_services`: one clear line when PostgreSQL, Redis or RabbitMQ can't be reached."""

import os
import sys

import environ


def reach_database(url: str) -> None:
    """Open one connection. Raises whatever the driver raises."""
    import psycopg

    config = environ.Env.db_url_config(url)
    psycopg.connect(
        host=config["HOST"] or None,
        port=config["PORT"] or None,
        user=config["USER"] or None,
        password=config["PASSWORD"] or None,
        dbname=config["NAME"],
        connect_timeout=5,
    ).close()


def reach_broker(url: str) -> None:
    """Open one connection. Raises whatever the driver raises."""
    from kombu import Connection

    with Connection(url, connect_timeout=5) as connection:
        connection.ensure_connection(max_retries=1, timeout=5)


def main() -> str:
    """The line to print, "" when all answer."""
    for variable, example, reach in (
        ("DATABASE_URL", "postgres://user@127.0.0.1:5432/test", reach_database),
        ("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0", reach_broker),
        ("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//", reach_broker),
    ):
        url = os.environ.get(variable, "")
        if not url:
            return f"{variable} is not set: make test-services needs it, for example {variable}={example}"
        try:
            reach(url)
        except Exception as error:  # whatever the driver says, as one line
            reason = " ".join(str(error).split())
            return f"The service that {variable} names can't be reached: {reason}"
    return ""


if __name__ == "__main__":
    sys.exit(main() or 0)
