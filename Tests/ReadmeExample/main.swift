import NanoTS

let options = StoreOptions(blockSize: 64 << 10, blockCount: 100, timeUnit: .seconds)
let store = try Store.create(at: "room.nts", options, replacing: true)

let writer = try store.writer(for: "temperature", metadata: "celsius, Float64")
for hour in 0..<24 {
  try writer.append(value: 18.5 + Double(hour) / 4, at: Int64(hour) * 3600)
}
try writer.close()

for frame in try store.frames(of: "temperature", in: 6 * 3600...9 * 3600) {
  print(frame.timestamp, try frame.load(as: Double.self))
}
