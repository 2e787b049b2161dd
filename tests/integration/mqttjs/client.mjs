// Drives MQTT.js against a broker: node client.mjs URL. Prints one line for each check; ends with 1 at the first that fails.
import assert from "node:assert/strict";
import mqtt from "mqtt";

const url = process.argv[2];
const patienceMs = 20_000;

const versions = [
  { name: "3.1", protocolVersion: 3, protocolId: "MQIsdp" },
  { name: "3.1.1", protocolVersion: 4 },
  { name: "5.0", protocolVersion: 5 },
];

const within = (promise, what) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`waited in vain for ${what}`)), patienceMs).unref())]);

async function everyQos(version) {
  const { name, ...options } = version;
  for (const qos of [0, 1, 2]) {
    const receiver = await mqtt.connectAsync(url, { ...options, clientId: `js-r-${name}-${qos}` });
    const sender = await mqtt.connectAsync(url, { ...options, clientId: `js-s-${name}-${qos}` });
    const topic = `js/${name}/${qos}`;
    const seen = [];
    const all = new Promise((yes) =>
      receiver.on("message", (_topic, payload, packet) => {
        assert.equal(packet.qos, qos);
        seen.push(Number(payload));
        if (seen.length === 200) yes();
      }),
    );
    await receiver.subscribeAsync(topic, { qos });
    await Promise.all(Array.from({ length: 200 }, (_, i) => sender.publishAsync(topic, String(i), { qos })));
    await within(all, `200 messages at QoS ${qos}`);
    assert.deepEqual(seen, Array.from({ length: 200 }, (_, i) => i));
    await receiver.endAsync();
    await sender.endAsync();
    console.log(`ok ${name} QoS ${qos}`);
  }
}

async function sessionSurvives(version) {
  const { name, ...options } = version;
  const session = { ...options, clientId: `js-keep-${name}`, clean: false, properties: { sessionExpiryInterval: 600 } };
  const keeper = await mqtt.connectAsync(url, session);
  await keeper.subscribeAsync(`js/kept/${name}`, { qos: 2 });
  await keeper.endAsync();
  const sender = await mqtt.connectAsync(url, options);
  for (let i = 0; i < 20; i++) await sender.publishAsync(`js/kept/${name}`, String(i), { qos: 2 });
  await sender.endAsync();
  const seen = [];
  const again = mqtt.connect(url, session);
  await within(
    new Promise((yes) =>
      again.on("message", (_topic, payload) => {
        seen.push(Number(payload));
        if (seen.length === 20) yes();
      }),
    ),
    "the queued messages",
  );
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, i) => i));
  await again.endAsync();
  console.log(`ok ${name} session`);
}

async function version5() {
  const receiver = await mqtt.connectAsync(url, { protocolVersion: 5, properties: { topicAliasMaximum: 10, receiveMaximum: 5 } });
  const sender = await mqtt.connectAsync(url, { protocolVersion: 5, autoAssignTopicAlias: true, properties: { topicAliasMaximum: 10 } });
  await receiver.subscribeAsync("js/v5/#", { qos: 1, properties: { subscriptionIdentifier: 9, userProperties: { a: "b" } } });
  const messages = [];
  const all = new Promise((yes) =>
    receiver.on("message", (topic, payload, packet) => {
      messages.push({ topic, payload: payload.toString(), packet });
      if (messages.length === 50) yes();
    }),
  );
  for (let i = 0; i < 50; i++) {
    sender.publish("js/v5/a/long/topic/that/is/aliased", String(i), {
      qos: 1,
      properties: { userProperties: { k: ["v1", "v2"] }, correlationData: Buffer.from([0, 255]), contentType: "text/plain" },
    });
  }
  await within(all, "50 messages");
  messages.forEach(({ topic, payload, packet }, i) => {
    assert.equal(topic, "js/v5/a/long/topic/that/is/aliased");
    assert.equal(payload, String(i));
    assert.equal(packet.properties.subscriptionIdentifier, 9);
    assert.deepEqual({ ...packet.properties.userProperties }, { k: ["v1", "v2"] });
    assert.deepEqual(packet.properties.correlationData, Buffer.from([0, 255]));
  });
  await receiver.endAsync();
  await sender.endAsync();
  console.log("ok 5.0 properties, aliases and receive maximum");
}

for (const version of versions) {
  await everyQos(version);
  await sessionSurvives(version);
}
await version5();
console.log("all ok");
process.exit(0);
