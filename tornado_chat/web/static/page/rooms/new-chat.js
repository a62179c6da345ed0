// @ts-check
/** With whom one talks: one is a one-to-one, several are a group. */
import { ask } from "../dialog.js";
import { el } from "../dom.js";
import { route } from "../route.js";
import { t } from "../words.js";
import { People } from "./people.js";

/** @param {import("./rooms.js").Rooms} rooms */
export async function newChat(rooms) {
  const people = new People(rooms.rest);
  const name = el("input", { id: "group-name", maxlength: 255, autocomplete: "off" });
  const group = el("div", { hidden: true }, el("label", { for: "group-name" }, t("rooms.group_name")), name);
  people.addEventListener("change", () => (group.hidden = people.chosen.size < 2));
  let id = "";
  const send = async () => {
    const room = await rooms.rest.make([...people.chosen.keys()], group.hidden ? "" : name.value.trim());
    rooms.know(room);
    id = room.room_id;
  };
  const made = await ask({ title: t("rooms.start"), action: t("rooms.open"), send }, people, group);
  if (made) route.go("rooms", id);
}
