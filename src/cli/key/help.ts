/** Text below the options of `latchkey key --help`, at most 80 columns wide. */
export const keyHelp = `
The event id of a CloudEvent is the JSON array of its source and its id:
  latchkey key billing '["/orders","42"]'
The event id of a GitHub webhook delivery is its delivery id:
  latchkey key billing 72d3162e-cc78-11e3-81ab-4c9367dc0958`;
