export default (row) => row
