"""The page on which people sign in: whole in itself, since nothing else is served to whom nobody knows."""

from __future__ import annotations

import base64
import hashlib
import html
from dataclasses import dataclass

TEXT = {
    "title": "Sign in",
    "what": "Network quality, complaints and departures by neighbourhood",
    "name": "Name",
    "password": "Password",
    "enter": "Sign in",
    "other": "Sign in with {title}",
    "plain": "This connection is not encrypted: a password can be read on its way here. An administrator should put TLS in front of these pages.",
    "help": "Forgotten your password, or no account? An administrator of these pages gives you a new one.",
}
NOBODY_YET = {
    "title": "Nobody can sign in yet",
    "how": "These pages need an account, and there is none. On the host where Bairro runs, enter",
    "then": "It asks for a password. Then sign in here; no restart is needed. Everything else of an administrator’s first day is in docs/accounts.md.",
    "again": "I have made an account",
}
NOT_ASKED = {
    "title": "Nobody is asked to sign in",
    "how": "There are no accounts, so these pages are served to this host only. To have people sign in, and to serve other hosts, make the first account:",
    "then": "From then on these pages ask everybody who they are.",
    "again": "To the pages",
}
STYLE = """
:root { --back: #f3f5f8; --paper: #fff; --ink: #16202b; --soft: #52606d; --line: #8794a1; --accent: #0069a6; --on-accent: #fff;
  --alarm: #a03000; --alarm-back: #fde6da; --note-back: #fff3d6; color-scheme: light; }
:root[data-theme="dark"] { --back: #0f161d; --paper: #17202a; --ink: #e8edf2; --soft: #a3b1bf; --line: #6d7d8c; --accent: #6cc0ee;
  --on-accent: #0f161d; --alarm: #ff9d68; --alarm-back: #45200f; --note-back: #3d3113; color-scheme: dark; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --back: #0f161d; --paper: #17202a; --ink: #e8edf2;
  --soft: #a3b1bf; --line: #6d7d8c; --accent: #6cc0ee; --on-accent: #0f161d; --alarm: #ff9d68; --alarm-back: #45200f;
  --note-back: #3d3113; color-scheme: dark; } }
* { box-sizing: border-box; }
html { font-size: clamp(16px, 0.42vw + 11px, 28px); }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1.4rem;
  padding: 1.5rem 1rem; background: var(--back); color: var(--ink);
  font: 400 1rem/1.5 "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }
.brand { text-align: center; }
.brand strong { display: block; font-size: 1.9rem; line-height: 1.1; letter-spacing: -0.02em; font-weight: 700; }
.brand span { color: var(--soft); }
main { width: 100%; max-width: 24rem; background: var(--paper); border-radius: 10px; padding: 1.6rem; display: flex; flex-direction: column;
  gap: 1rem; box-shadow: 0 1px 2px rgb(0 0 0 / 14%), 0 8px 28px rgb(0 0 0 / 8%); }
main.wide { max-width: 36rem; }
h1 { font-size: 1.3rem; line-height: 1.25; margin: 0; font-weight: 650; }
p { margin: 0; }
form { display: flex; flex-direction: column; gap: 0.9rem; }
label { display: flex; flex-direction: column; gap: 0.25rem; font-weight: 600; }
input { font: inherit; color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 0.5rem 0.7rem; min-height: 2.7rem; width: 100%; }
button, .button { font: inherit; font-weight: 600; border: 1px solid var(--accent); border-radius: 6px; padding: 0.5rem 0.9rem; min-height: 2.7rem; cursor: pointer;
  background: var(--accent); color: var(--on-accent); text-align: center; text-decoration: none; display: flex; align-items: center; justify-content: center; }
.button { background: none; color: var(--accent); }
button:hover, .button:hover { filter: brightness(1.08); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.said, .note { border-radius: 6px; padding: 0.6rem 0.8rem; }
.said { background: var(--alarm-back); color: var(--ink); border-left: 4px solid var(--alarm); font-weight: 600; }
.said.mild { background: none; border-left-color: var(--accent); }
.note { background: var(--note-back); font-size: 0.88rem; }
.soft { color: var(--soft); font-size: 0.88rem; }
.or { display: flex; align-items: center; gap: 0.8rem; color: var(--soft); font-size: 0.88rem; }
.or::before, .or::after { content: ""; flex: 1; height: 1px; background: var(--line); opacity: 0.5; }
pre { margin: 0; padding: 0.8rem; background: var(--back); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.92rem; }
"""
THEME = """
(function () {
  var kept = null;
  try { kept = localStorage.getItem("theme"); } catch (e) {}
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Bairro · {provider}</title>
<link rel="icon" href="/favicon.ico">
<script>{theme}</script>
<style>{style}</style>
</head>
<body>
<header class="brand"><strong>Bairro</strong><span>{provider}</span></header>
<main{wide}>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; script-src 'sha256-{_hash(THEME)}'; style-src 'sha256-{_hash(STYLE)}'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What the page may do: its own two inline parts by their hash, its icon, and to be sent back here."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the page shows: ``said`` is why somebody was not let in, or how they left; ``title`` names the provider."""

    provider: str
    wanted: str = "/"
    said: str = ""
    is_mild: bool = False
    name: str = ""
    title: str | None = None
    has_passwords: bool = True
    is_encrypted: bool = True


def page(form: Form) -> str:
    """The page with the form, which works by keyboard alone and without scripts."""
    escape = html.escape
    parts = []
    if form.said:
        kind, role = ("said mild", "status") if form.is_mild else ("said", "alert")
        parts.append(f'<p class="{kind}" role="{role}" id="said">{escape(form.said)}</p>')
    if form.has_passwords:
        described = ' aria-describedby="said"' if form.said and not form.is_mild else ""
        focus_name, focus_password = ("", " autofocus") if form.name else (" autofocus", "")
        parts.append(
            '<form method="post" action="/sign-in">'
            f'<input type="hidden" name="next" value="{escape(form.wanted)}">'
            f'<label>{TEXT["name"]}<input name="name" value="{escape(form.name)}" autocomplete="username" autocapitalize="none" '
            f'spellcheck="false" maxlength="100" required{focus_name}{described}></label>'
            f'<label>{TEXT["password"]}<input name="password" type="password" autocomplete="current-password" maxlength="256" '
            f"required{focus_password}{described}></label>"
            f"<button>{TEXT['enter']}</button></form>"
        )
    if form.title:
        parts += ['<div class="or">or</div>'] if form.has_passwords else []
        said = escape(TEXT["other"].format(title=form.title))
        parts.append(f'<a class="button" href="/sign-in/openid?next={escape(form.wanted)}">{said}</a>')
    if not form.is_encrypted:
        parts.append(f'<p class="note">{TEXT["plain"]}</p>')
    if form.has_passwords:
        parts.append(f'<p class="soft">{TEXT["help"]}</p>')
    return _whole(TEXT["title"], form.provider, parts)


def without_form(text: dict[str, str], provider: str, command: str) -> str:
    """That there is nobody who could sign in, or no need to, and the command that makes an account."""
    parts = [
        f"<p>{text['how']}</p>",
        f"<pre><code>{html.escape(command)}</code></pre>",
        f"<p>{text['then']}</p>",
        f'<a class="button" href="/">{text["again"]}</a>',
    ]
    return _whole(text["title"], provider, parts, wide=' class="wide"')


def _whole(title: str, provider: str, parts: list[str], wide: str = "") -> str:
    return PAGE.format(
        title=title, provider=html.escape(provider), theme=THEME, style=STYLE, wide=wide, body="\n".join(parts)
    )
