"""A `ringway serve` of its own on free ports, from the binary in RINGWAY_BIN, with a certificate that its clients can verify."""

import datetime
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Node:
    def __init__(self, *more):
        self.directory = tempfile.TemporaryDirectory(prefix="ringway-foreign-")
        self.certificate, key = certify(Path(self.directory.name))
        free = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--shards", "2", "--log-format", "json"]
        tls = ["tls.mode=on", "tls.listen=127.0.0.1:0", f"tls.certificate_file={self.certificate}", f"tls.key_file={key}"]
        sets = [part for one in (*tls, *more) for part in ("--set", one)]
        self.log = open(Path(self.directory.name) / "log", "w+")
        arguments = [os.environ["RINGWAY_BIN"], "serve", "--dev", *free, *sets]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self.log, text=True)
        said = ""
        for line in self.process.stdout:
            said += line
            if "ctrl-c" in line:
                break
        else:
            code = self.process.wait()
            self.log.seek(0)
            raise RuntimeError(f"ringway ended with {code}: {self.log.read()}")
        self.token = re.search(r"Bearer ([0-9a-f]+)", said).group(1)
        serving = self.said("serving")
        self.http = serving["http"]
        self.port = int(serving["quic"].rsplit(":", 1)[1])

    def said(self, message):
        """The line of the log with this message, which is or will soon be there."""
        for _ in range(3_000):
            self.log.seek(0)
            for line in self.log:
                if line.endswith("\n") and json.loads(line)["message"] == message:
                    return json.loads(line)
            time.sleep(0.02)
        raise RuntimeError(f"{message!r} was not said")

    def api(self, path, body):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.http}/api/v1/{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def metric(self, series):
        """The sum over the shards of a series, without their label."""
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        name, _, label = series.partition("{")
        values = [line for line in lines if line.startswith(name + "{") and label.rstrip("}") in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in values)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.directory.cleanup()


def certify(directory):
    """A certificate for localhost that vouches for itself; paths of it and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return paths
