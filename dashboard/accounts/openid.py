"""OpenID Connect, by Authlib: the authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask
from werkzeug.wrappers import Response

from bairro_error import BairroError
from collector.ask_http import AskError, secret
from dashboard.config import OpenIdSettings

TIMEOUT_SECONDS = 10.0
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""How an id token may be signed: with the provider's own key, and never with none (RFC 8725, 3.1 and 3.2)."""


class OpenIdError(BairroError):
    """The provider did not say who it is; the message says why."""


class OpenId:
    """One per app. Between both steps what must come back alike lies in a cookie that this server has signed."""

    def __init__(self, settings: OpenIdSettings, server: Flask) -> None:
        from authlib.integrations.flask_client import OAuth

        self.settings = settings
        try:
            password = secret(settings.client_secret_env, settings.client_secret_file)
        except AskError as error:
            raise OpenIdError(f"openid.client_secret: {error}") from None
        self._client = OAuth(server).register(
            "openid",
            client_id=settings.client_id,
            client_secret=password,
            server_metadata_url=f"{str(settings.issuer).rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(settings.scopes),
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_SECONDS,
                **({} if password is not None else {"token_endpoint_auth_method": "none"}),
            },
        )

    def begin(self, back: str) -> Response:
        """Send the browser to the provider, from where it comes ``back``. Raises OpenIdError."""
        try:
            self._metadata()
            answer: Response = self._client.authorize_redirect(back)
        except OpenIdError:
            raise
        except Exception as error:  # whatever requests, joserfc or Authlib raise
            raise OpenIdError(self._away(error)) from None
        return answer

    def finish(self) -> tuple[str, tuple[str, ...]]:
        """Who came back, and their groups. Raises OpenIdError."""
        try:
            claims = self._claims()
        except OpenIdError:
            raise
        except Exception as error:
            raise OpenIdError(self._refused(error)) from None
        return self._name(claims), _words(_claim(claims, self.settings.role_claim))

    def _claims(self) -> dict[str, Any]:
        """What the id token says and, where that names no groups, what the provider adds about the same person."""
        metadata, said = self._metadata(), self._client.authorize_access_token()
        claims = dict(said.get("userinfo") or {})
        if not claims:
            raise OpenIdError("The provider sent no id token.")
        if _claim(claims, self.settings.role_claim) is None and metadata.get("userinfo_endpoint"):
            more = dict(self._client.userinfo(token=said))
            claims = {**more, **claims} if more.get("sub") == claims.get("sub") else claims
        return claims

    def _metadata(self) -> dict[str, Any]:
        """What the provider says of itself, where it is the one that is meant (OpenID Connect Discovery 1.0, 4.3)."""
        found: dict[str, Any] = self._client.load_server_metadata()
        if str(found.get("issuer", "")).rstrip("/") != str(self.settings.issuer).rstrip("/"):
            raise OpenIdError(
                f"The provider calls itself {found.get('issuer')}, but openid.issuer is {self.settings.issuer}."
            )
        signed = found.get("id_token_signing_alg_values_supported") or SIGNED[:1]
        found["id_token_signing_alg_values_supported"] = [one for one in signed if one in SIGNED]
        return found

    def _name(self, claims: Mapping[str, Any]) -> str:
        claim = self.settings.name_claim
        name = _claim(claims, claim)
        if not isinstance(name, str) or not name.strip():
            raise OpenIdError(f"The provider does not say who you are: there is no claim {claim} (openid.name_claim).")
        if claim == "email" and claims.get("email_verified") is False:
            raise OpenIdError("The provider has not verified your e-mail address.")
        return " ".join(name.split())[:200]

    def _away(self, error: Exception) -> str:
        return f"The provider {self.settings.issuer} cannot be asked: {_short(error)}. Try again in a while."

    def _refused(self, error: Exception) -> str:
        return f"{self.settings.title} did not sign you in: {_short(error)}. Begin again."


def _short(error: Exception) -> str:
    """The error without addresses that hold secrets."""
    text = " ".join(str(getattr(error, "description", None) or error).split()) or type(error).__name__
    return text.partition("?")[0].rstrip(".")[:200]


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the names that lead to it, as in Keycloak's realm_access.roles."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(word for part in value.split(",") if (word := part.strip()))
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, Sequence) else ()
