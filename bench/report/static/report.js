"use strict";
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const one = (query, from = document) => from.querySelector(query);
  document.documentElement.classList.add("js");
  all(".tools, .slider, #theme").forEach((tool) => { tool.hidden = false; });

  // Theme: automatic, light, dark. Storage may be denied to a page that was opened from a file.
  const themes = ["auto", "light", "dark"];
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* then it is forgotten */ } };
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    one("#theme").textContent = `Theme: ${theme}`;
  };
  show(themes.includes(remembered()) ? remembered() : "auto");
  one("#theme").addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    show(next);
    remember(next);
  });

  // Sorting: each head becomes a button; rows are sorted inside their group, empty cells last.
  const value = (row, column, kind) => {
    const cell = row.cells[column];
    const text = cell?.dataset.v ?? cell?.textContent.trim() ?? "";
    return kind === "number" && text !== "" ? Number(text) : text;
  };
  const compare = (a, b, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
  };
  const sort = (table, head, sign) => {
    all("th[aria-sort]", table.tHead).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    for (const body of table.tBodies) {
      const rows = all("tr.row", body);
      const keys = new Map(rows.map((row) => [row, value(row, head.cellIndex, head.dataset.sort)]));
      body.append(...rows.sort((a, b) => compare(keys.get(a), keys.get(b), sign)));
    }
  };
  for (const head of all("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.dataset.better === "higher" ? -1 : 1;
      const now = { ascending: 1, descending: -1 }[head.getAttribute("aria-sort")];
      sort(head.closest("table"), head, now ? -now : first);
    });
  }

  // Columns: what is not chief is hidden until it is asked for.
  const chooser = one("#columns div");
  for (const head of chooser ? all("#board th[data-column]") : []) {
    const cells = [head, ...all("#board tr.row").map((row) => row.cells[head.cellIndex])];
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = !("extra" in head.dataset);
    const toggle = () => cells.forEach((cell) => cell.classList.toggle("off", !box.checked));
    box.addEventListener("change", toggle);
    toggle();
    if (head.dataset.column !== "member") {
      const label = document.createElement("label");
      label.append(box, head.textContent.trim());
      chooser.append(label);
    }
  }

  // Filter: every word must occur in the row.
  const filter = one("#filter");
  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = all("#board tr.row");
    for (const row of rows) {
      const text = `${row.textContent} ${row.parentElement.className}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    for (const body of all("#board tbody")) body.hidden = all("tr.row", body).every((row) => row.hidden);
    const hidden = new Set(rows.filter((row) => row.hidden).map((row) => row.dataset.member));
    for (const film of all(".film")) film.hidden = hidden.has(film.dataset.member);
    const visible = rows.filter((row) => !row.hidden).length;
    one("#shown").textContent = words.length ? `${visible} of ${rows.length} rows` : "";
  };
  filter?.addEventListener("input", narrow);

  // Slider over training: each strip shows its latest picture that is not beyond the chosen place.
  for (const slider of all(".slider input")) {
    const steps = slider.dataset.steps.split(" ").map(Number);
    const wall = slider.closest(".wall");
    const move = () => {
      const limit = steps[Number(slider.value)];
      for (const film of all(".film", wall)) {
        const frames = all("li", film);
        const reached = frames.filter((frame) => Number(frame.dataset.images ?? 0) <= limit);
        const chosen = reached.at(-1) ?? frames[0];
        frames.forEach((frame) => frame.classList.toggle("on", frame === chosen));
      }
      const words = `${limit.toLocaleString("en")} images`;
      one("output", slider.parentElement).textContent = words;
      slider.setAttribute("aria-valuetext", words);
    };
    slider.addEventListener("input", move);
    move();
  }

  // Viewer: a click or Enter on a picture shows it at the largest whole-number scale that fits; arrows walk through training.
  const viewer = document.createElement("dialog");
  viewer.className = "viewer";
  viewer.innerHTML = '<p><span aria-live="polite"></span><button type="button" class="quiet" data-step="-1">← earlier</button>'
    + '<button type="button" class="quiet" data-step="1">later →</button><button type="button" class="quiet" data-zoom>Scale</button>'
    + '<a>File</a><button type="button" class="quiet" data-close>Close</button></p>'
    + '<div class="around" tabindex="0" role="region" aria-label="Picture"><img alt=""></div>';
  viewer.setAttribute("aria-label", "Picture at full size");
  let strip = [], at = 0, scale = 1;
  const fits = (drawn) => Math.max(1, Math.floor(Math.min(innerWidth * 0.92 / drawn.width.baseVal.value, innerHeight * 0.8 / drawn.height.baseVal.value)));
  const look = () => {
    const link = strip[at], drawn = one("image", link), image = one("img", viewer);
    image.src = drawn.getAttribute("href");
    image.width = drawn.width.baseVal.value * scale;
    image.height = drawn.height.baseVal.value * scale;
    image.alt = one("svg", link).getAttribute("aria-label");
    one("span", viewer).textContent = `${image.alt}, ${scale} : 1`;
    one("a", viewer).href = link.href;
    one("[data-step='-1']", viewer).disabled = at === 0;
    one("[data-step='1']", viewer).disabled = at === strip.length - 1;
  };
  const walk = (step) => { at = Math.min(Math.max(at + step, 0), strip.length - 1); look(); };
  if (all(".zoom").length) document.body.append(viewer);
  for (const link of all(".zoom")) {
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      strip = all(".zoom", link.closest(".frames"));
      at = strip.indexOf(link);
      scale = fits(one("image", link));
      look();
      viewer.showModal();
    });
  }
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") walk(event.key === "ArrowLeft" ? -1 : 1);
  });
  viewer.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target === viewer || button?.dataset.close !== undefined) viewer.close();
    else if (button?.dataset.step) walk(Number(button.dataset.step));
    else if (button?.dataset.zoom !== undefined) { scale = scale >= Math.max(fits(one("image", strip[at])), 4) ? 1 : scale + 1; look(); }
  });
})();
