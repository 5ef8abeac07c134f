// Finds what a person would: something to press, or a field, by a name that they see
// or hear. Gives where it is on the screen; null if it is not there, or not yet.
((kind, names, within) => {
	if (document.readyState !== "complete") return null;
	const text = (el) => (el?.innerText ?? el?.textContent ?? "").replace(/\s+/g, " ").trim();
	const named = (el) => {
		const by = (el.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean).map((id) => text(document.getElementById(id)));
		if (by.length) return by.join(" ");
		if (el.ariaLabel) return el.ariaLabel;
		if (kind === "field") return text(el.labels?.[0]) || el.title || el.placeholder || "";
		return text(el) || el.value || el.title || "";
	};
	const kinds = {
		press: "button, a[href], summary, input[type=submit], [role=button], [role=tab], [role=option]",
		field: "input:not([type=hidden]), select, textarea",
	};
	// Behind a modal dialog there is nothing to press.
	const top = [...document.querySelectorAll("dialog:modal")].pop() ?? document;
	const near = (el) => {
		if (!within) return true;
		for (let up = el.parentElement; up && up !== document.body; up = up.parentElement) {
			if (up.matches("tr, li, article, section, fieldset, form, dialog, .card") && text(up).includes(within)) return true;
		}
		return false;
	};
	const shown = (el) => el.checkVisibility({ visibilityProperty: true }) || el.labels?.[0]?.checkVisibility();
	const all = [...top.querySelectorAll(kinds[kind])].filter((el) => shown(el) && !el.disabled && near(el));
	const el = all.find((el) => names.includes(named(el))) ?? all.find((el) => names.some((name) => named(el).startsWith(name)));
	if (!el) return null;
	// A box that is drawn by its label is pressed there.
	const look = getComputedStyle(el);
	const target = el.labels?.[0] && (look.opacity === "0" || look.clipPath !== "none") ? el.labels[0] : el;
	target.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
	// Of a text that is broken into lines the first.
	const box = target.getClientRects()[0];
	if (!box) return null;
	const x = box.left + Math.min(box.width / 2, 120), y = box.top + box.height / 2;
	const hit = document.elementFromPoint(x, y);
	if (!target.contains(hit) && ![...(el.labels ?? [])].some((label) => label.contains(hit))) return null;
	window.__found = el;
	return { x, y };
})
