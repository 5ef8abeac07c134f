// What pages do beyond forms and links. Every page works without it.
(() => {
	"use strict";

	// Instants are in UTC; the reader's clock shows another time.
	const zoned = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
	const localTimes = (root) => {
		for (const el of root.querySelectorAll("time[datetime]:not([data-local])")) {
			const at = new Date(el.dateTime);
			if (isNaN(at)) continue;
			el.title = el.textContent;
			el.textContent = zoned.format(at);
			el.dataset.local = "";
		}
	};

	// Copy buttons are hidden where they would do nothing.
	const copyButtons = (root) => {
		if (!navigator.clipboard) return;
		for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
	};

	// Forms have instants in UTC; people enter them as their clock shows them.
	const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
	const shifted = (text, toLocal) => {
		const at = new Date(toLocal ? text + "Z" : text);
		if (isNaN(at)) return text;
		const moved = new Date(at - (toLocal ? at.getTimezoneOffset() * 60000 : 0));
		return moved.toISOString().slice(0, moved.getUTCSeconds() ? 19 : 16);
	};
	const localInputs = (root) => {
		for (const el of root.querySelectorAll("input[data-utc]:not([data-local])")) {
			if (el.value) el.value = shifted(el.value, true);
			el.dataset.local = "";
			const label = el.labels?.[0]?.querySelector("[data-zone]");
			if (label) label.textContent = zone;
		}
	};
	document.addEventListener("formdata", (event) => {
		for (const el of event.target.querySelectorAll("input[data-utc][data-local]")) {
			if (el.name && el.value) event.formData.set(el.name, shifted(el.value, false));
		}
		if (event.target.method !== "get") return;
		for (const [name, value] of [...event.formData]) {
			if (value === "") event.formData.delete(name); // a URL is shorter without
		}
	});

	// What goes on is asked for while the window is in sight.
	const tell = (name) => document.body.dispatchEvent(new Event(name));
	const inSight = () => tell(document.hidden ? "portal:away" : "portal:back");
	document.addEventListener("visibilitychange", inSight);
	setInterval(() => {
		if (!document.hidden && document.querySelector("[data-ticks]")) tell("portal:tick");
	}, 2000);
	const lamp = (state) => {
		const el = document.querySelector("#live .lamp");
		if (!el || el.dataset.state === state) return;
		el.dataset.on ??= el.textContent;
		el.dataset.state = state;
		el.textContent = el.dataset[state];
	};
	document.addEventListener("htmx:sseOpen", () => lamp("on"));
	document.addEventListener("htmx:sseError", () => lamp("lost"));
	document.addEventListener("htmx:sseClose", (event) => {
		if (event.detail.type === "message") lamp("over");
	});

	// A dialog gives the focus back to what opened it, also if it took another's place, as a
	// form does that was refused.
	let opener;
	const open = (dialog) => {
		if (document.activeElement !== document.body) opener = document.activeElement;
		dialog.addEventListener("close", () => opener?.focus());
		dialog.showModal();
	};
	// What was typed into one with data-asks is not lost unasked.
	const leaves = (dialog) => !("typed" in dialog.dataset) || !dialog.dataset.asks || confirm(dialog.dataset.asks);
	for (const type of ["input", "change"]) {
		document.addEventListener(type, (event) => {
			const dialog = event.target.closest?.("dialog[data-asks]");
			if (dialog) dialog.dataset.typed = "";
		});
	}
	document.addEventListener("keydown", (event) => {
		const dialog = event.key === "Escape" && document.querySelector("dialog[data-asks]:modal");
		if (!dialog) return;
		event.preventDefault(); // a browser asks a page but once
		if (leaves(dialog)) dialog.close();
	});
	document.addEventListener("cancel", (event) => {
		if (event.target.matches("dialog[data-asks]") && !leaves(event.target)) event.preventDefault();
	}, true);
	// The form of a dialog was accepted: sent as a page sends it, it leads to what it made.
	document.addEventListener("portal:made", (event) => event.target.submit());

	const prepare = (root) => {
		localTimes(root);
		localInputs(root);
		copyButtons(root);
		for (const el of root.querySelectorAll("[data-needs-script][hidden]")) el.hidden = false;
		for (const dialog of root.querySelectorAll("dialog[data-open]")) {
			if (!dialog.matches(":modal")) {
				dialog.removeAttribute("open"); // which shows it without scripts
				open(dialog);
			}
		}
	};

	document.addEventListener("click", (event) => {
		const copy = event.target.closest("[data-copy]");
		if (copy) {
			const from = copy.dataset.copy ? document.getElementById(copy.dataset.copy) : copy.closest(".copyable").querySelector("code");
			navigator.clipboard.writeText(from.value ?? from.textContent).then(() => {
				const label = copy.querySelector("span") ?? copy;
				label.textContent = document.body.dataset.copied;
			});
			return;
		}
		const opener = event.target.closest("[data-dialog]");
		if (opener) {
			const dialog = document.getElementById(opener.dataset.dialog);
			if (dialog?.showModal) {
				event.preventDefault();
				open(dialog);
			}
			return;
		}
		if (event.target.closest("[data-close]")) {
			const dialog = event.target.closest("dialog");
			if (dialog?.open) {
				event.preventDefault();
				if (leaves(dialog)) dialog.close();
			}
		}
	});

	// A form of filters is sent as soon as one of them is chosen.
	document.addEventListener("change", (event) => {
		if (event.target.matches("form[data-auto] select, form[data-auto] input[type=checkbox], form[data-auto] input[type=radio]")) {
			event.target.form.requestSubmit();
		}
	});

	// A search among what can be ticked, such as item types: data-find names the list.
	document.addEventListener("input", (event) => {
		const list = event.target.dataset?.find && document.getElementById(event.target.dataset.find);
		if (!list) return;
		const words = event.target.value.toLowerCase().split(/\s+/);
		let some = false;
		for (const group of list.querySelectorAll(".picks")) {
			let shown = false;
			for (const entry of group.querySelectorAll("[data-text]")) {
				entry.hidden = !words.every((word) => entry.dataset.text.includes(word));
				shown ||= !entry.hidden;
			}
			group.hidden = !shown;
			some ||= shown;
		}
		list.querySelector(".nothing").hidden = some;
	});

	document.addEventListener("htmx:configRequest", (event) => {
		if (document.body.dataset.token) event.detail.headers["Staffetta-Form"] = document.body.dataset.token;
	});
	document.addEventListener("htmx:load", (event) => {
		prepare(event.detail.elt);
		if (document.hidden) inSight();
	});
	prepare(document);

	// The way back to a list leads to it as it was left, with its filters.
	const lists = (use) => {
		try {
			return use(sessionStorage);
		} catch {
			return null; // in a frame that may keep nothing
		}
	};
	addEventListener("pagehide", () => {
		if (document.querySelector("form.filters")) lists((kept) => kept.setItem(location.pathname, location.search));
	});
	const back = document.querySelector("a.back");
	if (back && !back.search) back.search = lists((kept) => kept.getItem(back.pathname)) ?? "";

	// On a phone the menu scrolls: show where one is.
	const here = document.querySelector(".menu [aria-current]");
	if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
})();
