"""Identity numbers and phones at rest: AES-256-GCM, key id in the ciphertext, and a blind index.

One provider, so that the national algorithms (SM4, SM3) can take its place later.
"""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Vault:
    """Encrypts with the first key, decrypts with any; the blind index has a key of its own."""

    def __init__(self, keys: dict[str, bytes], index_key: bytes) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._active = next(iter(keys))
        self._index_key = index_key

    def seal(self, plain: str, *, bound_to: str) -> str:
        """`key_id:base64(nonce + ciphertext)`. `bound_to` names the column: text can't be moved."""
        nonce = os.urandom(NONCE_BYTES)
        box = self._ciphers[self._active].encrypt(nonce, plain.encode(), bound_to.encode())
        return f"{self._active}:{base64.b64encode(nonce + box).decode()}"

    def open(self, sealed: str, *, bound_to: str) -> str:
        """The plain text.

        Raises:
            ValueError: the key is unknown, or the text was changed or belongs to another column.
        """
        key_id, _, encoded = sealed.partition(":")
        raw = base64.b64decode(encoded)
        try:
            cipher = self._ciphers[key_id]
            plain = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode())
        except (KeyError, InvalidTag) as wrong:
            raise ValueError("sealed text can't be opened") from wrong
        return plain.decode()

    def seal_bytes(self, plain: bytes, *, bound_to: str) -> bytes:
        """`key_id:` and nonce and ciphertext, for what is too large for text."""
        nonce = os.urandom(NONCE_BYTES)
        box = self._ciphers[self._active].encrypt(nonce, plain, bound_to.encode())
        return self._active.encode() + b":" + nonce + box

    def open_bytes(self, sealed: bytes, *, bound_to: str) -> bytes:
        """Raises ValueError, as `open` does."""
        key_id, _, raw = sealed.partition(b":")
        try:
            cipher = self._ciphers[key_id.decode("ascii", "replace")]
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode())
        except (KeyError, InvalidTag) as wrong:
            raise ValueError("sealed bytes can't be opened") from wrong

    def index(self, *parts: str) -> str:
        """HMAC-SHA-256 over the parts, unambiguous in their borders: equal things are findable."""
        message = "\x1f".join(parts).encode()
        return hmac.new(self._index_key, message, hashlib.sha256).hexdigest()
