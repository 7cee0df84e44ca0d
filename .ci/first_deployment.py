#!/usr/bin/env python3
"""Runs the commands of cli/docs/first-deployment.md in their order, and compares what they print with the page.

Prints a table for the report, also into GitHub's summary of the job. With `RESTCTL_LOCAL=1`, it leaves out what only
AWS has. `--short` leaves out the steps that take long or cost more.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parent.parent
PAGE = CHECKOUT / "cli/docs/first-deployment.md"

# What the local cloud refuses: cli/docs/local-cloud.md.
AWS_OPTIONS = [" --idp cognito", " --edge-jwt on"]

# There, a generated certificate is for `localhost`, too, and the endpoint has that name.
AWS_ENDPOINT, LOCAL_ENDPOINT = "https://first.example.com", "https://localhost:"


class Step(NamedTuple):
    name: str
    command: str
    exit_code: int
    expected: list
    unexpected: list
    minutes: int
    marks: str


def read_steps(page):
    """Returns the commands that set the environment, and the steps."""
    preparation, *sections = re.split(r"^### ", page.split("\n## Report")[0], flags=re.MULTILINE)
    return only_block(preparation), [read_step(section) for section in sections]


def read_step(section):
    answer = " ".join(re.search(r"^Expect (.*?)\. (?:It|This|If) ", section, re.MULTILINE | re.DOTALL)[1].split("\n"))
    wanted, _, unwanted = answer.partition(" but no ")
    exit_code, minutes = re.search(r"exit code (\d+)", answer), re.search(r"within (\d+) minutes", answer)
    marks = re.search(r"\(AWS only.*?\)", section)
    return Step(
        name=section.split("\n")[0],
        command=only_block(section),
        exit_code=int(exit_code[1]) if exit_code else 0,
        expected=re.findall("`(.+?)`", wanted),
        unexpected=re.findall("`(.+?)`", unwanted),
        minutes=int(minutes[1]) if minutes else 0,
        marks=marks[0] if marks else "",
    )


def only_block(text):
    [block] = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return block


def run(step, environment):
    """Repeats the command until its answer is as expected or its time is over. Returns whether it is, and the output."""
    deadline = time.monotonic() + 60 * step.minutes
    while True:
        ran = subprocess.run(["bash", "-eo", "pipefail", "-c", step.command], cwd=CHECKOUT, env=environment, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(ran.stdout, flush=True)
        is_expected = ran.returncode == step.exit_code
        is_expected &= all(text in ran.stdout for text in step.expected)
        is_expected &= not any(text in ran.stdout for text in step.unexpected)
        if is_expected or time.monotonic() > deadline:
            return is_expected
        time.sleep(10)


def main():
    preparation, steps = read_steps(PAGE.read_text())
    environment = dict(os.environ, **dict(re.findall(r"^export (\w+)=(\S+)$", preparation, re.MULTILINE)))
    is_local = "RESTCTL_LOCAL" in environment
    if not is_local and "AWS_REGION" not in environment:
        sys.exit("name the region: export AWS_REGION=us-east-1")
    rows, are_expected = ["| step | answer | seconds |", "|---|---|---|"], True
    for step in steps:
        if (is_local and step.marks) or ("--short" in sys.argv and "long" in step.marks):
            continue
        for option in AWS_OPTIONS if is_local else []:
            step = step._replace(command=step.command.replace(option, ""))
        if is_local:
            step = step._replace(expected=[text.replace(AWS_ENDPOINT, LOCAL_ENDPOINT) for text in step.expected])
        print(f"== {step.name}\n$ {step.command}", flush=True)
        started = time.monotonic()
        is_expected = run(step, environment)
        are_expected &= is_expected
        answer = "as expected" if is_expected else "**not as expected**"
        rows.append(f"| {step.name} | {answer} | {time.monotonic() - started:.0f} |")
    report = "\n".join(rows)
    print(report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        Path(summary).write_text(report)
    return 0 if are_expected else 1


if __name__ == "__main__":
    sys.exit(main())
