// Shows at once, beside the pointer, what the titles of the pictures' columns say.
(() => {
  const box = document.createElement("div");
  box.id = "hint";
  document.body.append(box);
  const texts = new Map();
  for (const column of document.querySelectorAll(".hint")) {
    const title = column.querySelector("title");
    texts.set(column, title.textContent);
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const text = texts.get(event.target);
    box.style.display = text ? "block" : "none";
    if (!text) return;
    box.textContent = text;
    const right = event.clientX + 16 + box.offsetWidth > innerWidth;
    box.style.left = Math.max(0, right ? event.clientX - 16 - box.offsetWidth : event.clientX + 16) + "px";
    box.style.top = Math.max(0, Math.min(event.clientY + 12, innerHeight - box.offsetHeight - 4)) + "px";
  });
})();
