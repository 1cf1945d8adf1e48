"use strict";
// One selection of members for table, figures, names and pictures. It stands in the address, so that a link shows the same.
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const one = (query, from = document) => from.querySelector(query);
  const SVG = "http://www.w3.org/2000/svg", START = "#select=";
  const names = new Map(all("#board tr.row[data-member]").map((row) => [row.dataset.member, one("th", row).dataset.v]));
  const labels = new Map(all("[data-pick]").map((item) => [item.dataset.pick, item.textContent.trim()]));
  if (!names.size) names.set("0", one("h1")?.textContent.trim() ?? "");
  const called = (member) => labels.get(member) ?? names.get(member) ?? "";
  const picked = new Set();

  const bar = document.createElement("p");
  bar.className = "selection";
  bar.hidden = true;
  bar.setAttribute("role", "status");
  document.body.append(bar);
  const clear = document.createElement("button");
  clear.type = "button";
  clear.className = "quiet";
  clear.textContent = "Clear";
  clear.addEventListener("click", () => { picked.clear(); show(); write(); });

  // A point of a member without a name of its own gets one while it is selected.
  const nameIn = (svg, member) => {
    if (one(`text[data-member="${member}"]`, svg)) return;
    const mark = all(`[data-member="${member}"][data-at]`, svg).at(-1);
    if (!mark || one(".leaders", svg)) return;
    const [x, y] = mark.dataset.at.split(" ").slice(-2).map(Number), text = document.createElementNS(SVG, "text");
    for (const [key, value] of Object.entries({ x: x + 8, y: y + 4, "font-size": "10px", class: "f-ink added picked", "data-member": member })) text.setAttribute(key, value);
    text.textContent = called(member);
    svg.append(text);
    const over = text.getBBox().x + text.getBBox().width - svg.viewBox.baseVal.width;
    if (over > 0) { text.setAttribute("text-anchor", "end"); text.setAttribute("x", x - 8); }
  };
  const show = () => {
    document.documentElement.classList.toggle("picking", picked.size > 0);
    all("svg text.added").forEach((text) => text.remove());
    for (const svg of all(".drawing svg[data-axes]")) {
      const rows = JSON.parse(svg.dataset.axes).some((axes) => axes[8] === "");  // names stand beside its rows already
      if (!rows) picked.forEach((member) => nameIn(svg, member));
    }
    all("[data-member]").forEach((part) => part.classList.toggle("picked", picked.has(part.dataset.member)));
    all("button[data-member], [data-pick] button").forEach((button) => {
      button.setAttribute("aria-pressed", String(picked.has(button.dataset.member ?? button.parentElement.dataset.pick)));
    });
    bar.hidden = picked.size === 0;
    bar.replaceChildren(`Selected: ${[...picked].map(called).join(", ")} `, clear);
  };
  const write = () => {
    const list = [...picked].map((member) => encodeURIComponent(names.get(member) ?? "")).filter(Boolean).join(",");
    try { history.replaceState(null, "", list ? START + list : location.pathname + location.search); } catch { /* then it is not kept */ }
  };
  const read = () => {
    if (!location.hash.startsWith(START)) return;
    const wanted = location.hash.slice(START.length).split(",").map((name) => { try { return decodeURIComponent(name); } catch { return name; } });
    picked.clear();
    for (const [member, name] of names) if (wanted.includes(name)) picked.add(member);
    show();
  };
  const toggle = (member) => {
    if (!picked.delete(member)) picked.add(member);
    show();
    write();
  };

  for (const item of all("[data-pick]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    button.setAttribute("aria-pressed", "false");
    item.append(button);
    button.addEventListener("click", () => toggle(item.dataset.pick));
  }
  for (const row of all("#board tr.row[data-member]")) {
    const dot = one(".dot", row), button = document.createElement("button");
    button.type = "button";
    button.className = "pick";
    button.dataset.member = row.dataset.member;
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", `Select ${called(row.dataset.member)}`);
    dot.replaceWith(button);
    button.append(dot);
    button.addEventListener("click", () => toggle(row.dataset.member));
  }
  addEventListener("hashchange", read);
  read();

  // What is under the pointer, or next by arrow keys: the member and its values, from where the mark stands on its axes.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const corners = (d) => {
    const found = [];
    let x = 0, y = 0;
    for (const [, command, values] of d.matchAll(/([MLHV])([^A-Za-z]*)/g)) {
      const numbers = values.trim().split(/[\s,]+/).map(Number);
      if (command !== "V") x = numbers[0];
      if (command !== "H") y = numbers.at(-1);
      found.push([x, y]);
    }
    return found;
  };
  const known = new WeakMap();
  const marksOf = (svg) => {
    if (!known.has(svg)) {
      const marks = [];
      for (const path of all("path[data-member]", svg)) {
        const at = path.dataset.at?.split(" ").map(Number);
        const places = at ? at.flatMap((value, n) => (n % 2 ? [[at[n - 1], value]] : []))
          : path.getAttribute("fill") === "none" && /[LHV]/.test(path.getAttribute("d")) ? corners(path.getAttribute("d")) : [];
        for (const [x, y] of places) marks.push({ x, y, member: path.dataset.member });
      }
      known.set(svg, marks.sort((a, b) => a.x - b.x || a.y - b.y));
    }
    return known.get(svg);
  };
  const value = (place, from, to, low, high, log) => {
    const share = (place - from) / (to - from);
    return log ? low * (high / low) ** share : low + share * (high - low);
  };
  const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  const said = (svg, mark) => {
    const axes = JSON.parse(svg.dataset.axes).find(([left, right, top, bottom]) => (
      mark.x >= left - 8 && mark.x <= right + 8 && mark.y >= top - 8 && mark.y <= bottom + 8));
    if (!axes) return called(mark.member);
    const [left, right, top, bottom, across, acrossLog, x0, x1, up, upLog, y0, y1] = axes;
    const parts = [];
    if (across) parts.push(`${across} ${digits.format(value(mark.x, left, right, x0, x1, acrossLog))}`);
    if (up) parts.push(`${up} ${digits.format(value(mark.y, bottom, top, y0, y1, upLog))}`);
    return [called(mark.member), parts.join(", ")].filter(Boolean).join(": ");
  };
  const hide = () => { tip.hidden = true; };
  const point = (svg, mark) => {
    const place = new DOMPoint(mark.x, mark.y).matrixTransform(svg.getScreenCTM());
    tip.textContent = said(svg, mark);
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(place.x + 10, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${place.y + 14 + tip.offsetHeight > innerHeight ? place.y - tip.offsetHeight - 10 : place.y + 14}px`;
  };
  const nearest = (svg, event) => {
    const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let best = null, least = event.pointerType === "touch" ? 24 : 12;
    for (const mark of marksOf(svg)) {
      const far = Math.hypot(mark.x - here.x, mark.y - here.y);
      if (far < least) { least = far; best = mark; }
    }
    return best;
  };
  for (const svg of all(".drawing svg[data-axes]")) {
    const box = svg.closest(".scroll");
    let at = -1;
    const move = (event) => { const mark = nearest(svg, event); if (mark) point(svg, mark); else hide(); };
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerdown", move);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
    svg.addEventListener("click", (event) => { const mark = nearest(svg, event); if (mark && names.size > 1) toggle(mark.member); });
    box.addEventListener("blur", () => { at = -1; hide(); });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], marks = marksOf(svg);
      if (event.key === "Escape") hide();
      if (event.key === "Enter" && marks[at] && names.size > 1) toggle(marks[at].member);
      if (!step || !marks.length) return;
      event.preventDefault();
      at = at < 0 && step < 0 ? marks.length - 1 : Math.min(Math.max(at + step, 0), marks.length - 1);
      point(svg, marks[at]);
    });
  }
  addEventListener("scroll", hide, { passive: true });
})();
