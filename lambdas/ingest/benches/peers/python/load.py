"""Loads a CSV object into a DynamoDB table: python load.py BUCKET OBJECT TABLE"""

import csv
import io
import sys
from decimal import Decimal

import boto3
from botocore.config import Config

NUMBERS = ("price", "stock", "weight")
BOOLEANS = ("active",)

bucket, key, table_name = sys.argv[1:]
s3 = boto3.client("s3")
dynamodb = boto3.resource("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 8}))
table = dynamodb.Table(table_name)


def load():
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    text = io.TextIOWrapper(io.BufferedReader(body, 64 * 1024), encoding="utf-8", newline="")
    rows = 0
    # It sends 25 items at a time, and those that are left unprocessed again.
    with table.batch_writer() as batch:
        for item in csv.DictReader(text):
            for name in NUMBERS:
                item[name] = Decimal(item[name])
            for name in BOOLEANS:
                item[name] = item[name] == "true"
            batch.put_item(Item=item)
            rows += 1
    return rows


print("ready", flush=True)
sys.stdin.readline()
print("loaded", load(), flush=True)
sys.stdin.read()
