"""What can go wrong between us and a provider.

    GatewayError            the base: whoever asks for money catches this
    ├── PaymentDeclined     the provider said no
    ├── GatewayUnavailable  we do not know whether it was done
    ├── UnsupportedAction   this gateway cannot do that
    ├── PaymentBusy         another action on this payment or order has no answer yet
    └── PaymentChanged      the payment is no longer as it was when somebody decided
    InvalidAmount           a ValueError: not positive, above what is there, or finer than the currency
    InvalidSignature        a notice that the provider did not sign
    UnreadableNotice        a signed notice that cannot be understood

A transition that the payment's state forbids is django_fsm's TransitionNotAllowed.
"""

from __future__ import annotations


class GatewayError(Exception):
    """The payment could not be processed."""

    def __init__(self, message: str = "") -> None:
        self.message = message or type(self).__doc__ or ""
        super().__init__(self.message)


class PaymentDeclined(GatewayError):
    """The provider said no."""

    def __init__(self, message: str = "", error_code: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code


class GatewayUnavailable(GatewayError):
    """The provider gave no answer that can be trusted; whether it acted is unknown."""

    def __init__(self, message: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(message)
        # In how many seconds it wants to be asked again. Set only where it refused the request unread (429): that is
        # its own word that nothing was done, and the operation is canceled. After a 5xx nobody knows: leave it None.
        self.retry_after = retry_after


class UnsupportedAction(GatewayError):
    """This gateway cannot do that."""


class PaymentBusy(GatewayError):
    """Another action has been asked of the provider and has no answer yet."""


class PaymentChanged(GatewayError):
    """The payment is no longer as it was when somebody decided. Nothing was asked of anybody."""


class InvalidAmount(ValueError):
    """The amount is not positive, above what is there, or finer than its currency."""


class InvalidSignature(Exception):
    """The notice does not carry the provider's signature."""


class UnreadableNotice(Exception):
    """The notice is signed, but says nothing that we understand."""
