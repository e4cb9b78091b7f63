<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\event\identity_confirmed;
use local_copbridge\event\letters_discarded;
use local_copbridge\event\letters_retried;
use local_copbridge\local\answer;
use local_copbridge\local\identity;
use local_copbridge\local\sender;
use local_copbridge\local\service_role;
use local_copbridge\local\settings;
use local_copbridge\local\status_actions;
use local_copbridge\local\transport;
use local_copbridge\local\words;
use local_copbridge\output\status_page;

/**
 * Tests of the administrator's page and what can be done on it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\output\status_page
 * @covers     \local_copbridge\local\status_actions
 * @covers     \local_copbridge\local\comparisons
 */
final class status_page_test extends \advanced_testcase {
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
        set_config('lastcronstart', time(), 'tool_task');
    }

    /**
     * The page as it is.
     *
     * @return string
     */
    private function page(): string {
        global $PAGE;
        $PAGE->set_url('/local/copbridge/status.php');
        return $PAGE->get_renderer('core')->render(new status_page());
    }

    /**
     * Sets what is needed.
     */
    private function configure(): void {
        set_config('endpoint', 'https://cop.example.org/webhooks/main/events', 'local_copbridge');
        set_config('secret', 'whsec_' . base64_encode(str_repeat('k', 32)), 'local_copbridge');
        set_config('scope', 'all', 'local_copbridge');
    }

    /**
     * Writes a row that was given up.
     *
     * @param \stdClass $course
     * @param int $userid
     * @return int
     */
    private function letter(\stdClass $course, int $userid): int {
        global $DB;
        return $DB->insert_record('local_copbridge_outbox', (object) [
            'uuid' => \core\uuid::generate(), 'eventname' => '\core\event\user_enrolment_created', 'data' => '{}',
            'courseid' => $course->id, 'userid' => $userid, 'dead' => 1, 'attempts' => 1,
            'reason' => 'malformed: <b>data</b>', 'timecreated' => time(),
        ]);
    }

    /**
     * Nothing is set: the page says what to do.
     */
    public function test_unset(): void {
        $page = $this->page();
        $this->assertStringContainsString(get_string('admin_need_configured', 'local_copbridge'), html_entity_decode($page));
        $this->assertStringContainsString('section=local_copbridge', $page);
        $this->assertStringNotContainsString('value="test"', $page);
    }

    /**
     * Something is wrong with cron, and with the receiver.
     */
    public function test_failing(): void {
        $this->configure();
        set_config('lastcronstart', time() - HOURSECS, 'tool_task');
        foreach (['failures' => 3, 'lasterror' => 'refused', 'retryat' => time() + 90] as $name => $value) {
            set_config($name, $value, 'local_copbridge');
        }
        $page = $this->page();
        $this->assertStringContainsString('Cron isn&#039;t running', $page);
        $this->assertStringContainsString('refused the signature', $page);
        $this->assertStringContainsString('value="test"', $page);
    }

    /**
     * A token that nobody has used isn't all; one that ends is told of in time.
     */
    public function test_token(): void {
        global $DB;
        $this->configure();
        set_config('enablewebservices', 1);
        set_config('webserviceprotocols', 'rest');
        $user = $this->getDataGenerator()->create_user(['username' => 'bridge']);
        role_assign(service_role::ours(), $user->id, \context_system::instance());
        $service = $DB->get_record('external_services', ['shortname' => 'local_copbridge'], '*', MUST_EXIST);
        $DB->insert_record('external_services_users', (object) [
            'externalserviceid' => $service->id, 'userid' => $user->id, 'timecreated' => time(),
        ]);
        $this->assertStringContainsString('Switch off &quot;Valid until&quot;', $this->page());
        $end = time() + 30 * DAYSECS;
        $context = \context_system::instance();
        \core_external\util::generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $user->id, $context, $end);
        $page = $this->page();
        $this->assertStringContainsString('The token was never used', $page);
        $this->assertStringContainsString('secret add main --purpose web_services --from-stdin, then copbridge doctor main', $page);
        $DB->set_field('external_tokens', 'lastaccess', time(), ['userid' => $user->id]);
        $page = $this->page();
        $this->assertStringNotContainsString('The token was never used', $page);
        $this->assertStringContainsString('calls this site ends: ' . words::moment($end), $page);
        $this->assertStringContainsString('valid until ' . words::moment($end), $page);
        // A new one counts once it is used.
        $new = \core_external\util::generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $user->id, $context);
        $this->assertStringContainsString('calls this site ends', $this->page());
        $DB->set_field('external_tokens', 'lastaccess', time() + 1, ['token' => $new]);
        $this->assertStringNotContainsString('calls this site ends', $this->page());
    }

    /**
     * What was given up is shown without names; courses that differ come first.
     */
    public function test_lists(): void {
        global $DB;
        $this->configure();
        $quiet = $this->getDataGenerator()->create_course(['fullname' => 'Quiet one']);
        $drifting = $this->getDataGenerator()->create_course(['fullname' => 'Drifting & sons']);
        $user = $this->getDataGenerator()->create_user(['firstname' => 'Xaviera', 'email' => 'xaviera@example.org']);
        $this->letter($drifting, (int) $user->id);
        foreach ([[$quiet, 0], [$drifting, 7]] as [$course, $drift]) {
            $DB->insert_record('local_copbridge_course', (object) [
                'courseid' => $course->id, 'data' => json_encode(['swept_at' => time() - 300, 'drift' => $drift]),
                'asof' => time(), 'timemodified' => time(),
            ]);
        }
        $DB->insert_record('local_copbridge_delivery', (object) [
            'timesent' => time(), 'events' => 1, 'readings' => 4, 'bytes' => 2048, 'millis' => 77, 'httpstatus' => 0,
            'outcome' => 'unreachable', 'detail' => '<script>',
        ]);
        $page = $this->page();
        $this->assertStringNotContainsString('Xaviera', $page);
        $this->assertStringNotContainsString('xaviera@', $page);
        $this->assertStringContainsString("user $user->id", $page);
        $this->assertStringContainsString('&lt;b&gt;data', $page);
        $this->assertStringNotContainsString('<script>', $page);
        $this->assertStringContainsString('Drifting &amp; sons', $page);
        $courses = substr($page, strpos($page, 'id="local_copbridge-courses"'));
        $this->assertLessThan(strpos($courses, 'Quiet one'), strpos($courses, 'Drifting'));
    }

    /**
     * A copy is asked about; it becomes another site once, and no more.
     */
    public function test_identity(): void {
        $this->configure();
        set_config('wwwroot', 'https://original.example.org', 'local_copbridge');
        $this->assertStringContainsString('https://original.example.org', $this->page());
        $this->assertStringContainsString('https://original.example.org', status_actions::question('same', 0)['text']);
        $sink = $this->redirectEvents();
        status_actions::perform('other');
        $this->assertTrue(identity::confirmed());
        $this->assertSame('', settings::endpoint());
        $this->configure();
        status_actions::perform('other');
        $this->assertNotSame('', settings::endpoint());
        $events = array_filter($sink->get_events(), fn($event): bool => $event instanceof identity_confirmed);
        $this->assertCount(1, $events);
        $this->assertSame('https://original.example.org', reset($events)->other['before']);
        $this->assertStringContainsString('another site', reset($events)->get_description());
    }

    /**
     * One row is sent again, one discarded; what isn't there isn't touched, and nothing is logged.
     */
    public function test_letters(): void {
        global $DB;
        $course = $this->getDataGenerator()->create_course();
        $ids = [$this->letter($course, 5), $this->letter($course, 6), $this->letter($course, 7)];
        $sink = $this->redirectEvents();
        status_actions::perform('retry', $ids[0]);
        $this->assertEquals(0, $DB->get_field('local_copbridge_outbox', 'dead', ['id' => $ids[0]]));
        $this->assertNotNull(status_actions::question('discard', $ids[1]));
        status_actions::perform('discard', $ids[1]);
        $this->assertFalse($DB->record_exists('local_copbridge_outbox', ['id' => $ids[1]]));
        status_actions::perform('discard', $ids[0]);
        status_actions::perform('discard', 0);
        $this->assertTrue($DB->record_exists('local_copbridge_outbox', ['id' => $ids[0]]));
        $this->assertTrue($DB->record_exists('local_copbridge_outbox', ['id' => $ids[2]]));
        $classes = array_map(fn($event): string => get_class($event), $sink->get_events());
        $this->assertSame([letters_retried::class, letters_discarded::class], $classes);
    }

    /**
     * The test's outcome in words, with what to do.
     */
    public function test_connection(): void {
        $this->configure();
        $with = fn(answer $answer): sender => new sender(new class ($answer) implements transport {
            /**
             * A transport that answers always the same.
             *
             * @param answer $answer
             */
            public function __construct(
                /** @var answer what is answered */
                private answer $answer,
            ) {
            }

            #[\Override]
            public function post(string $url, array $headers, string $body): answer {
                return $this->answer;
            }
        });
        [$message, $type] = status_actions::perform('test', 0, $with(new answer(200, '{"results": []}')));
        $this->assertSame('success', $type);
        [$message, $type] = status_actions::perform('test', 0, $with(new answer(0, '', '', 'blocked', 'curlsecurityblockedhosts')));
        $this->assertSame('error', $type);
        $this->assertStringContainsString('curlsecurityblockedhosts', $message);
        $this->assertStringContainsString('section=httpsecurity', $message);
    }
}
