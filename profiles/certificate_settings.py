"""The open points of the certificate application as named settings: what no public text or program shows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from profiles.settings import setting


class CertificateSettings(BaseModel):
    """How a certificate application behaves where nothing public tells."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    signature_command: Literal["PSO", "none"] = setting(
        "PSO",
        "签名命令",
        "How the card signs: PERFORM SECURITY OPERATION 00 2A 9E 9A (ISO/IEC 7816-8) over the 32-byte digest e, "
        "answered with r‖s; or no known command",
        "§3.3 shows none",
        "I",
    )
    deciphering_keys: Literal["both", "signature key"] = setting(
        "both",
        "解密命令可用密钥",
        "Whether DECIPHER (804E) serves data for the encryption key 0015, or only envelopes for the signature key 0013",
        "§3.3 shows 0013",
        "I",
    )
    pin_change_failure: Literal["63Cx", "6988"] = setting(
        "63Cx",
        "修改PIN校验码错误的状态字",
        "Answer to CHANGE PIN (845E) whose MAC is wrong; either way it costs a try, because the old PIN makes the MAC key",
        "§3.3, §3.4",
        "I",
    )
    pin_reload: Literal["administrator PIN", "none"] = setting(
        "administrator PIN",
        "重装用户PIN",
        "Whether 84 24 01 81 sets a new user PIN under the key of the verified administrator PIN, as SSSE does under its STK",
        "§3.1, §3.3",
        "I",
    )
    master_key_scope: Literal["each directory"] = setting(
        "each directory",
        "主控密钥范围",
        "The environment and the certificate application have a master key each, and each is replaced by itself",
        "§3.3",
        "P1",
    )
    administrator_pin_place: Literal["environment"] = setting(
        "environment",
        "管理PIN所在目录",
        "Reference 00 belongs to the environment PKI, reference 81 to the application, as the top bit says in SSSE",
        "§3.3; vol. 2 §3.5",
        "I",
    )
    public_key_form: Literal["CA40"] = setting(
        "CA40",
        "公钥文件格式",
        "The 66 bytes of a public key file: data object CA with x‖y, as the import command carries it",
        "§3.3",
        "I",
    )
