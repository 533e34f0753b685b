// Search and filters of the list. What is looked for stands in the address after the #, so that it can be shared and survives going back.
(() => {
  const get = (id) => document.getElementById(id);
  const form = get("find"), filters = get("filters"), query = get("q"), list = get("apps"), found = get("found"), nothing = get("nothing");
  const inside = window.inside || {};
  const cards = [...list.children].map((element) => ({
    element,
    name: element.dataset.name,
    about: element.querySelector("p").textContent.toLowerCase(),
    categories: element.dataset.categories.split(" ").filter(Boolean),
    platforms: element.dataset.platforms.split(" "),
    images: inside[element.dataset.name] || [],
    note: element.querySelector(".inside"),
  }));
  const labels = new Map([...filters.querySelectorAll("input[name=category]")].map((input) => [input.value, input.closest("label")]));

  // rank says how well a card answers a word; 0 is not at all.
  const rank = (card, word) => {
    if (card.name === word) return 6;
    if (card.name.startsWith(word)) return 5;
    if (card.name.split("-").some((part) => part.startsWith(word))) return 4;
    if (card.name.includes(word)) return 3;
    if (card.about.includes(word) || card.categories.some((c) => c.startsWith(word))) return 2;
    return card.images.some((image) => image.toLowerCase().includes(word)) ? 1 : 0;
  };
  const match = (card, words) => {
    let sum = 0;
    for (const word of words) {
      const r = rank(card, word);
      if (!r) return 0;
      sum += r;
    }
    return sum || 1;
  };
  const chosen = (name) => filters.querySelector(`input[name=${name}]:checked`).value;
  const choose = (name, value) => {
    const input = [...filters.querySelectorAll(`input[name=${name}]`)].find((i) => i.value === value);
    (input || filters.querySelector(`input[name=${name}]`)).checked = true;
  };

  const mark = (words) => {
    if (!window.CSS || !CSS.highlights) return;
    CSS.highlights.delete("found");
    const ranges = [];
    if (words.length) {
      for (const card of cards) {
        if (card.element.hidden) continue;
        for (const node of card.element.querySelectorAll("h2 a, p:not(.tags)")) {
          const text = node.firstChild;
          if (!text || text.nodeType !== Node.TEXT_NODE) continue;
          const lower = text.data.toLowerCase();
          for (const word of words) {
            for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) {
              const range = new Range();
              range.setStart(text, at);
              range.setEnd(text, at + word.length);
              ranges.push(range);
            }
          }
        }
      }
    }
    if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
  };

  // explain shows the image for whose sake a card is there when nothing else of it says so.
  const explain = (card, words) => {
    const word = words.find((w) => rank(card, w) === 1);
    const image = word && card.images.find((i) => i.toLowerCase().includes(word));
    card.note.hidden = !image;
    card.note.textContent = image ? list.dataset.inside.replace("{image}", image) : "";
  };

  const update = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const category = chosen("category"), platform = chosen("platform");
    const counts = new Map();
    let shown = 0;
    for (const card of cards) {
      card.rank = match(card, words);
      const possible = card.rank > 0 && (!platform || card.platforms.includes(platform));
      if (possible) for (const c of ["", ...card.categories]) counts.set(c, (counts.get(c) || 0) + 1);
      card.element.hidden = !(possible && (!category || card.categories.includes(category)));
      if (!card.element.hidden) shown++;
      explain(card, card.element.hidden ? [] : words);
    }
    const order = words.length ? [...cards].sort((a, b) => b.rank - a.rank || (a.name < b.name ? -1 : 1)) : cards;
    list.append(...order.map((card) => card.element));
    for (const [key, label] of labels) {
      const count = counts.get(key) || 0;
      label.querySelector("b").textContent = count;
      label.classList.toggle("none", count === 0);
    }
    found.textContent = (shown === 1 ? found.dataset.single : found.dataset.many).replace("{n}", shown).replace("{all}", cards.length);
    nothing.hidden = shown > 0;
    mark(words);
  };

  const write = () => {
    const state = new URLSearchParams();
    if (query.value.trim()) state.set("q", query.value.trim());
    for (const name of ["category", "platform"]) if (chosen(name)) state.set(name, chosen(name));
    const hash = state.toString();
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    const other = document.querySelector("nav a[hreflang]");
    other.href = other.getAttribute("href").replace(/#.*/, "") + (hash ? "#" + hash : "");
  };
  const read = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    query.value = state.get("q") || "";
    for (const name of ["category", "platform"]) choose(name, state.get(name) || "");
    update();
  };
  const changed = () => { update(); write(); };

  form.hidden = filters.hidden = false;
  query.addEventListener("input", changed);
  filters.addEventListener("change", changed);
  addEventListener("hashchange", read);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = list.querySelector("li:not([hidden]) a");
    if (first && query.value.trim()) location.href = first.href;
  });
  const clear = () => { query.value = ""; choose("category", ""); choose("platform", ""); changed(); query.focus(); };
  get("clear").addEventListener("click", clear);
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "radio";
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
      query.select();
    }
    if (event.key === "Escape" && event.target === query) clear();
  });
  read();
})();
