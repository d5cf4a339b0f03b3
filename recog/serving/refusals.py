"""Reasons why a server does not answer a request, with the status that says so."""


class RefusedError(Exception):
    """A request, or one of its pictures, that is not answered; the message says what is wrong and how to mend it."""

    status = 400

    def __init__(self, message: str, retry_after: int | None = None):
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which to try again."""


class BadOptionError(RefusedError):
    """An option is unknown, or does not suit the model."""


class UnauthorizedError(RefusedError):
    """The request lacks the token of the server."""

    status = 401


class UnknownModelError(RefusedError):
    """There is no such model."""

    status = 404


class SlowUploadError(RefusedError):
    """The body of the request did not arrive in time."""

    status = 408


class TooLargeError(RefusedError):
    """A body or a picture is larger than the server accepts."""

    status = 413


class NotAPictureError(RefusedError):
    """The content is not a picture that can be decoded."""

    status = 415


class BusyError(RefusedError):
    """The server cannot take more now, is not ready yet, or is about to end."""

    status = 503


class LateError(RefusedError):
    """The answer was not ready in time."""

    status = 504
