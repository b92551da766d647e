// Asks for a key where the service needs one. A cookie keeps it, which no script can read.

import { ask } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { guard } from "../shared/notice.js";

/** Show the field once an answer says that a key is missing. */
export function followKey() {
	const form = byId("key-part");
	addEventListener("needs-key", () => form.removeAttribute("hidden"));
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		guard(async () => {
			const body = JSON.stringify({ key: byId("key", HTMLInputElement).value.trim() });
			await ask("/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
			location.reload();
		});
	});
}
