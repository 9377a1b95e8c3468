// What `test_views.py` asks of every page; each answers with what is wrong.
({
  contrast: () => {
    const channels = (text) => (text.match(/[\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].reduce((sum, c, i) => {
      const part = c / 255;
      const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      return sum + linear * [0.2126, 0.7152, 0.0722][i];
    }, 0);
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const style = getComputedStyle(at);
        if (style.backgroundImage !== "none") return null;
        const colour = channels(style.backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const poor = [];
    for (const element of document.querySelectorAll("body *")) {
      const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
      const style = getComputedStyle(element);
      if (!text || !element.checkVisibility({ visibilityProperty: true }) || element.matches(":disabled")) continue;
      const under = ground(element);
      if (!under) continue;
      const [a, b] = [light(channels(style.color)), light(under)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      const isLarge = parseFloat(style.fontSize) >= 24;
      if (ratio < (isLarge ? 3 : 4.5)) poor.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return poor;
  },
  unnamed: () =>
    [...document.querySelectorAll("button, a[href], input, select, textarea")]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }))
      .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
      .map((e) => e.outerHTML.slice(0, 120)),
  wider: () =>
    [...document.querySelectorAll("body *")]
      .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .filter((e) => !e.closest("pre, .table-frame, .tabs, .settings-nav, code, table, .visually-hidden, .markdown"))
      .map((e) => e.outerHTML.slice(0, 120)),
});
