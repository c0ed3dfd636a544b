import { shopTopic } from './shop-records.ts'

/** What the demo's configuration is made from. */
export interface DemoAddresses {
  readonly brokerPort: number
  readonly webhookUrl: string
  readonly httpPort: number
}

/** The configuration of the demo, as a user would write it. */
export const demoConfig = ({ brokerPort, webhookUrl, httpPort }: DemoAddresses): string =>
  `# Written by \`lakeward demo\` at each start. Three streams share one topic.
pipeline: shop
kafka:
  brokers: [127.0.0.1:${brokerPort}]
lake: { url: file:./lake }
commit: { interval: 1s }       # 60s where nobody watches
ready:
  delay: 5m                    # of event time
  idle: 1m
  notify:
    - webhook: { url: "${webhookUrl}", secret: file:webhook.secret }
    - success-file: {}
http: { listen: 127.0.0.1:${httpPort} }
streams:
  - name: page_views
    topic: ${shopTopic}
    schema: { file: shop.proto, message: shop.PageView }
    columns: [_topic, _partition, _offset, _index]
    etl:
      - filter: { where: "country <> ''", reason: no-country }
  - name: sessions
    topic: ${shopTopic}
    schema: { file: shop.proto, message: shop.Session }
    columns: [_topic, _partition, _offset, _index]
  - name: purchases
    topic: ${shopTopic}
    schema: { file: shop.proto, message: shop.Purchase }
    columns: [_topic, _partition, _offset, _index]
`
