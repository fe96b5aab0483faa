"""One attempt to deliver one message, which ends within seconds and never with an error."""

from __future__ import annotations

import http.client
import smtplib
from collections.abc import Callable
from datetime import datetime

from collector.ask_http import AskError
from dashboard.notice_settings import NoticeSettings
from dashboard.notices import deadline, failures, mail, posts
from dashboard.notices.outbox import Notice, Outcome

SECONDS = 30.0
"""For the whole of an attempt: far less than outbox.LEASE, so that no other process begins meanwhile."""


def deliver(receiver: NoticeSettings, notice: Notice, at: datetime, seconds: float = SECONDS) -> Outcome:
    """Send ``notice``; what came of it reads on after the receiver's name."""
    with deadline.within(seconds) as limit:
        try:
            if receiver.kind == "email":
                return mail.send(receiver, notice, limit, at)
            return posts.send(receiver, notice, limit)
        except AskError as error:
            return failures.later(str(error))
        except smtplib.SMTPException as error:
            answered = None if limit.has_passed else mail.outcome_of(error)
            return answered or failures.later(failures.of(error, has_passed=limit.has_passed, seconds=seconds))
        except http.client.HTTPException as error:
            said = f"answers nothing that is HTTP ({type(error).__name__})"
            passed = failures.TOO_LONG.format(seconds=seconds)
            return failures.later(passed if limit.has_passed else said)
        except (OSError, ValueError) as error:
            return failures.later(failures.of(error, has_passed=limit.has_passed, seconds=seconds))


Deliver = Callable[[NoticeSettings, Notice, datetime], Outcome]
