/** A valid CloudEvent, from which fuzz tests derive others. */
export const cloudEvent = {
  specversion: "1.0",
  type: "t",
  source: "/shop",
  id: "e-1",
  datacontenttype: "text/plain",
  data: 1,
};
