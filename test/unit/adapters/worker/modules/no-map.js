export const mapp = (row) => row
