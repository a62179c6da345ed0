"""The orders of a sample ERP database: the real one where it lies beside the project, else made up."""

import random
import re
import sqlite3
from datetime import date, timedelta

from support.irc import SHARED

COLUMNS = ("order_id", "customer_id", "order_date", "shipped_date", "freight", "ship_city")
TABLE = f"CREATE TABLE orders ({', '.join(COLUMNS)}, PRIMARY KEY (order_id))"
QUERY = """
    SELECT order_id, customer_id AS customer, freight AS total, 'USD' AS currency,
           order_date AS placedAt, ship_city AS city,
           CASE WHEN shipped_date IS NULL THEN 'OrderApproved' ELSE 'OrderShipped' END AS status
    FROM orders
"""


def load(path):
    """Makes the table `orders` in a new SQLite file; (where from, how many)."""
    sql = SHARED / "northwind.sql"
    found = real(sql.read_text("utf-8")) if sql.exists() else generated()
    with sqlite3.connect(path) as database:
        database.execute(TABLE)
        database.executemany(f"INSERT INTO orders VALUES ({', '.join('?' * 6)})", found)
    return ("northwind" if sql.exists() else "generated"), len(found)


def real(text):
    """By SQLite itself: the dump's own table and its INSERTs, which it understands."""
    table = re.search(r"CREATE TABLE orders \(.*?\);", text, re.DOTALL)[0]
    inserts = re.findall(r"^INSERT INTO orders VALUES .*;$", text, re.MULTILINE)
    with sqlite3.connect(":memory:") as database:
        database.execute(table)
        for insert in inserts:
            database.execute(insert)
        return database.execute(f"SELECT {', '.join(COLUMNS)} FROM orders").fetchall()


def generated(count=830, seed=3):
    chance = random.Random(seed)
    first = date(1996, 7, 4)
    return [
        (
            10248 + number,
            chance.choice(["VINET", "TOMSP", "HANAR", "SUPRD"]),
            str(first + timedelta(days=number // 2)),
            str(first + timedelta(days=number // 2 + 9)) if chance.random() < 0.9 else None,
            round(chance.uniform(0.1, 900), 2),
            chance.choice(["Reims", "Münster", "Rio de Janeiro", "Århus"]),
        )
        for number in range(count)
    ]


def table(path):
    """What the table says now, as orders by id."""
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        return {
            str(row["order_id"]): {
                "orderId": str(row["order_id"]),
                **{name: row[name] for name in row.keys() if name != "order_id"},  # noqa: SIM118
            }
            for row in database.execute(QUERY)
        }
