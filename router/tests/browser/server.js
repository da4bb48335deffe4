// A node of its own on free ports, from the binary in RINGWAY_BIN; ends with the tests.
import { spawn } from "node:child_process";
import { once } from "node:events";

export async function serve(...more) {
  // With the clients' door moved, those of TLS and QUIC take free ports by themselves.
  const free = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const child = spawn(process.env.RINGWAY_BIN, ["serve", "--dev", ...free, ...more], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "", log = "";
  child.stderr.on("data", data => { log += data; });
  await new Promise((resolve, reject) => {
    child.stdout.on("data", data => { out += data; if (out.includes("ctrl-c")) resolve(); });
    child.on("exit", code => reject(new Error(`ringway ended with ${code}: ${log}`)));
  });
  const said = async text => { while (!log.includes(text)) await once(child.stderr, "data"); };
  const http = out.match(/http:\/\/127\.0\.0\.1:\d+/)[0];
  const token = out.match(/Bearer ([0-9a-f]+)/)[1];
  return {
    http,
    // Loads the configuration again, and with it makes a new certificate.
    async reload() {
      log = "";
      child.kill("SIGHUP");
      await said("configuration reloaded");
    },
    said,
    async publish(body) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await fetch(`${http}/api/v1/publish`, { method: "POST", headers, body: JSON.stringify(body) });
      return answer.json();
    },
    async stop() {
      child.removeAllListeners("exit");
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
