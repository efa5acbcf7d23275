"""Every failure that a client may be shown.

An error carries a message and JSON-safe detail, never a status, a code or a body:
those are in the ``errors.py`` of each front end, looked up along the class's MRO, so
that a new subclass is rendered as its parent until it is given a row of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class RegistryError(Exception):
    """The root of everything a client may be told."""

    message: ClassVar[str] = "request failed"

    def __init__(self, message: str | None = None, /, **detail: Any) -> None:
        super().__init__(message or self.message)
        self.detail: Mapping[str, Any] = detail


# Bad input


class InvalidError(RegistryError):
    """The request cannot mean anything."""

    message = "invalid request"


class NameInvalidError(InvalidError):
    """Not a repository name."""

    message = "invalid repository name"


class TagInvalidError(InvalidError):
    """Not a tag."""

    message = "invalid tag name"


class DigestInvalidError(InvalidError):
    """Malformed, unsupported, or not that of the content."""

    message = "provided digest did not match uploaded content"


class SizeInvalidError(InvalidError):
    """A length that does not match what was sent."""

    message = "provided length did not match content length"


class RangeInvalidError(InvalidError):
    """A range that cannot be satisfied or does not follow what is stored.

    ``detail`` may name ``offset`` (bytes stored of an upload session) or ``size``
    (bytes of the blob), for the headers of the answer.
    """

    message = "invalid content range"


class UploadInvalidError(InvalidError):
    """An upload session that cannot go on like this."""

    message = "blob upload invalid"


class ManifestInvalidError(InvalidError):
    """Not a manifest, or one that contradicts itself or its content type."""

    message = "manifest invalid"


class ManifestReferencesUnknownError(InvalidError):
    """A pushed manifest names content that the repository does not hold.

    ``detail["digests"]`` lists all of it, in the manifest's order.
    """

    message = "blob unknown to registry"


class PageInvalidError(InvalidError):
    """A page size or marker out of bounds."""

    message = "invalid number of results requested"


class ParameterError(InvalidError):
    """A request parameter that is missing or malformed.

    The text is complete sentences, joined by a comma, as GitLab words them.
    """

    message = "parameter is invalid"


class ValidationError(InvalidError):
    """Well-formed parameters that break a rule of the thing they describe.

    ``detail`` maps a field to the list of complaints about it.
    """

    message = "validation failed"


class TooLargeError(InvalidError):
    """More bytes than the settings allow."""

    message = "content too large"


class ManifestTooLargeError(TooLargeError, ManifestInvalidError):
    """A manifest of more bytes than the settings allow."""

    message = "manifest too large"


# Not there, or not for the caller to know


class NotFoundError(RegistryError):
    """What was asked for does not exist for this caller."""

    message = "not found"


class RepositoryUnknownError(NotFoundError):
    """No such repository, for this caller."""

    message = "repository name not known to registry"


class ManifestUnknownError(NotFoundError):
    """No such tag or manifest in the repository."""

    message = "manifest unknown"


class TagUnknownError(ManifestUnknownError):
    """No such tag in the repository."""

    message = "tag unknown"


class BlobUnknownError(NotFoundError):
    """No such blob in the repository."""

    message = "blob unknown to registry"


class UploadUnknownError(NotFoundError):
    """No such upload session: expired, cancelled, finished, or never there."""

    message = "blob upload unknown to registry"


class ProjectUnknownError(NotFoundError):
    """No such project, for this caller."""

    message = "project not found"


class GroupUnknownError(NotFoundError):
    """No such group, for this caller."""

    message = "group not found"


class NamespaceUnknownError(NotFoundError):
    """No such namespace, for this caller."""

    message = "namespace not found"


class UserUnknownError(NotFoundError):
    """No such user."""

    message = "user not found"


class JobUnknownError(NotFoundError):
    """No such job, for this caller."""

    message = "job not found"


# Who calls, and what they may


class UnauthenticatedError(RegistryError):
    """No credentials where some are needed, or wrong ones."""

    message = "authentication required"


class TokenExpiredError(UnauthenticatedError):
    """A token past its date."""

    message = "token is expired"


class TokenRevokedError(UnauthenticatedError):
    """A token that was taken back."""

    message = "token was revoked"


class TokenInvalidError(UnauthenticatedError):
    """A registry token that is malformed, forged, expired or meant for others."""

    message = "invalid token"


class InsufficientScopeError(UnauthenticatedError):
    """Valid credentials whose scopes do not cover the request."""

    message = "insufficient scope"


class ForbiddenError(RegistryError):
    """The caller may not, whatever credentials they bring."""

    message = "requested access to the resource is denied"


class BlockedUserError(ForbiddenError):
    """The account was blocked."""

    message = "Your account has been blocked."


# Right request, wrong moment


class ConflictError(RegistryError):
    """The state of things does not allow it."""

    message = "conflict"


class ManifestReferencedError(ConflictError):
    """A manifest that an index of the repository lists."""

    message = "manifest is referenced by an index"


class BlobReferencedError(ConflictError):
    """A blob that a manifest of the repository uses."""

    message = "blob is referenced by a manifest"


class UploadBusyError(ConflictError):
    """Another request is writing to the same upload session."""

    message = "another request is writing to this upload"


class CleanupTooSoonError(ConflictError):
    """A second bulk delete of one repository within the interval."""

    message = (
        "This request has already been made. You can run this at most once an hour "
        "for a given container repository"
    )


class PreconditionError(ConflictError):
    """Things are not as the caller made it a condition that they are."""

    message = "precondition failed"


class UnsupportedError(RegistryError):
    """Switched off, or not offered for this resource."""

    message = "the operation is unsupported"


class UnavailableError(RegistryError):
    """A part the service stands on does not answer; trying again may help."""

    message = "service temporarily unavailable"
