// The page of an application: the command follows the version that is picked and the values that are filled in.
(() => {
  const get = (id) => document.getElementById(id);
  const version = get("version");
  const base = new Map(["sealos-run", "sealos-uninstall", "cluster-image-build"].map((id) => [id, get(id)]).filter(([, e]) => e).map(([id, e]) => [id, { element: e, text: e.textContent }]));
  const first = version ? [...version.options].find((o) => o.defaultSelected).value : "";

  // quote writes a value so that a shell reads it as it is.
  const quote = (value) => /^[\w@%+=:,./-]+$/.test(value) ? value : "'" + value.replaceAll("'", "'\\''") + "'";
  // show writes a command so that it may break after a slash.
  const show = (element, line) => element.replaceChildren(...line.split(/(?<=\/)(?!\/)/).flatMap((part, i) => i ? [document.createElement("wbr"), part] : [part]));
  const inputs = [...document.querySelectorAll(".body > section > .scroll input[data-variable]")];
  const update = () => {
    const values = inputs.filter((i) => i.value !== "").map((i) => [i.dataset.variable, ` -e ${i.dataset.variable}=${quote(i.value)}`]);
    for (const [id, { element, text }] of base) {
      let line = text;
      if (version) line = text.split(" ").map((word) => word === first ? version.value : word.endsWith(":" + first) ? word.slice(0, -first.length) + version.value : word).join(" ");
      if (id === "sealos-run") {
        for (const [name] of values) line = line.replace(new RegExp(` -e ${name}=\\S+`), "");
        line += values.map(([, option]) => option).join("");
      }
      show(element, line);
    }
  };
  for (const input of inputs) input.addEventListener("input", update);
  if (version) {
    version.closest("p").hidden = false;
    version.addEventListener("change", update);
  }
  addEventListener("pageshow", update); // of a page that is gone back to, the browser keeps what was picked and filled in

  // A page that is opened as a file may have no clipboard of the newer kind.
  const copy = async (text) => {
    if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  for (const button of document.querySelectorAll("button.copy")) {
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copy(button.parentElement.querySelector("code").textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  }
})();
