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

namespace local_copbridge\privacy;

use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;

/**
 * Tests of what is told of people, and how it is deleted.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\privacy\provider
 * @covers     \local_copbridge\privacy\rows
 * @covers     \local_copbridge\privacy\export
 */
final class provider_test extends \core_privacy\tests\provider_testcase {
    /** @var \stdClass[] two people */
    private array $users;

    /** @var \context_course the course */
    private \context_course $course;

    /** @var \context_module the activity */
    private \context_module $module;

    /**
     * Two people with rows in each table; the first declared hours, too.
     */
    protected function setUp(): void {
        global $DB;
        parent::setUp();
        $this->resetAfterTest();
        $generator = $this->getDataGenerator();
        $this->users = [$generator->create_user(), $generator->create_user()];
        $course = $generator->create_course();
        $cmid = $generator->create_module('page', ['course' => $course->id])->cmid;
        $this->course = \context_course::instance($course->id);
        $this->module = \context_module::instance($cmid);
        foreach ($this->users as $user) {
            $DB->insert_record('local_copbridge_standing', (object) [
                'courseid' => $course->id, 'userid' => $user->id, 'asof' => 1760000000, 'timemodified' => 1760000000,
                'data' => json_encode([
                    'version' => 1, 'status' => 'on_pace', 'minutes' => 660,
                    'components' => [['code' => 'online', 'minutes' => 660]],
                    'missing' => [['code' => 'hours', 'params' => ['minutes' => 300, 'component' => null]]],
                    'activities' => [['module' => $cmid, 'minutes' => 0, 'offers' => 60, 'component' => 'online',
                        'reason' => 'not_passed', 'at' => 1760000000]],
                    'sessions' => [['title' => 'First Saturday', 'at' => 1760000000, 'mode' => 'virtual', 'minutes' => 660,
                        'reason' => null]],
                    'other' => [['what' => 'adjustment', 'title' => '', 'minutes' => 30, 'at' => 1760000000]],
                ]),
            ]);
            $DB->insert_record('local_copbridge_presence', (object) [
                'cmid' => $cmid, 'userid' => $user->id, 'state' => 1, 'timewritten' => 1760000000,
            ]);
            $this->row('\core\event\user_enrolment_created', (int) $course->id, (int) $user->id);
            $this->row('\core\event\user_updated', 0, (int) $user->id);
        }
        $DB->insert_record('local_copbridge_hours', (object) [
            'cmid' => $cmid, 'courseid' => $course->id, 'minutes' => 90, 'component' => 'online',
            'usermodified' => $this->users[0]->id, 'timemodified' => 1760000000,
        ]);
    }

    /**
     * Writes a row of the outbox.
     *
     * @param string $name
     * @param int $courseid
     * @param int $userid
     */
    private function row(string $name, int $courseid, int $userid): void {
        global $DB;
        $DB->insert_record('local_copbridge_outbox', (object) [
            'uuid' => \core\uuid::generate(), 'eventname' => $name, 'courseid' => $courseid, 'userid' => $userid,
            'data' => json_encode(['eventname' => $name, 'other' => ['email' => 'x@example.org']]),
            'timecreated' => 1760000000,
        ]);
    }

    /**
     * How many rows somebody has.
     *
     * @param int $number which of the two
     * @return int[] by table
     */
    private function left(int $number): array {
        global $DB;
        $found = [];
        foreach (rows::TABLES as $table => $what) {
            $found[$table] = $DB->count_records("local_copbridge_$table", [$what['user'] => $this->users[$number]->id]);
        }
        return $found;
    }

    /**
     * The list of somebody's contexts.
     *
     * @param \stdClass $user
     * @return approved_contextlist
     */
    private function approved(\stdClass $user): approved_contextlist {
        $ids = provider::get_contexts_for_userid((int) $user->id)->get_contextids();
        return new approved_contextlist($user, 'local_copbridge', $ids);
    }

    /**
     * All tables of people are declared, and what leaves the site; each with words in the language file.
     */
    public function test_metadata(): void {
        $items = provider::get_metadata(new collection('local_copbridge'))->get_collection();
        $names = array_map(fn($item): string => $item->get_name(), $items);
        $this->assertEqualsCanonicalizing(['local_copbridge_outbox', 'local_copbridge_standing', 'local_copbridge_presence',
            'local_copbridge_hours', 'service'], $names);
        $strings = get_string_manager();
        foreach ($items as $item) {
            foreach ([$item->get_summary(), ...array_values($item->get_privacy_fields())] as $key) {
                $this->assertTrue($strings->string_exists($key, 'local_copbridge'), $key);
            }
        }
    }

    /**
     * Contexts and people are found in each other.
     */
    public function test_contexts_and_users(): void {
        $user = \context_user::instance($this->users[0]->id);
        $expected = [$this->course->id, $this->module->id, $user->id];
        $this->assertEqualsCanonicalizing($expected, provider::get_contexts_for_userid($this->users[0]->id)->get_contextids());
        foreach ([[$this->course, 2], [$this->module, 2], [$user, 1], [\context_system::instance(), 0]] as [$context, $count]) {
            $list = new userlist($context, 'local_copbridge');
            provider::get_users_in_context($list);
            $this->assertCount($count, $list->get_userids());
        }
    }

    /**
     * An export can be read by people.
     */
    public function test_export(): void {
        provider::export_user_data($this->approved($this->users[0]));
        $standing = writer::with_context($this->course)->get_data(['CoP Bridge', 'Hours']);
        $this->assertSame('On pace', $standing->status);
        $this->assertSame('11 h', $standing->hours);
        $this->assertSame(['online: 11 h'], $standing->components);
        $this->assertCount(1, $standing->missing);
        $this->assertStringContainsString('without the pass', $standing->activities[0]['reason']);
        $this->assertSame('First Saturday', $standing->sessions[0]['title']);
        $outbox = ['CoP Bridge', 'Waiting to be handed over'];
        $this->assertCount(1, writer::with_context($this->course)->get_data($outbox)->events);
        $user = \context_user::instance($this->users[0]->id);
        $this->assertSame('User updated', writer::with_context($user)->get_data($outbox)->events[0]['event']);
        $module = writer::with_context($this->module);
        $this->assertSame('Yes', $module->get_data(['CoP Bridge', 'Presence'])->present);
        $this->assertSame('1 h 30 min', $module->get_data(['CoP Bridge', 'Declared hours'])->hours);
    }

    /**
     * What is about one person goes; others' stays, and so do the declared hours themselves.
     */
    public function test_delete_for_user(): void {
        global $DB;
        provider::delete_data_for_user($this->approved($this->users[0]));
        $this->assertSame(['outbox' => 0, 'standing' => 0, 'presence' => 0, 'hours' => 0], $this->left(0));
        $this->assertSame(['outbox' => 2, 'standing' => 1, 'presence' => 1, 'hours' => 0], $this->left(1));
        $this->assertEquals(90, $DB->get_field('local_copbridge_hours', 'minutes', ['usermodified' => 0]));
    }

    /**
     * A list of people in one context.
     */
    public function test_delete_for_users(): void {
        $list = new approved_userlist($this->course, 'local_copbridge', [$this->users[1]->id]);
        provider::delete_data_for_users($list);
        $this->assertSame(['outbox' => 1, 'standing' => 0, 'presence' => 1, 'hours' => 0], $this->left(1));
        $this->assertSame(['outbox' => 2, 'standing' => 1, 'presence' => 1, 'hours' => 1], $this->left(0));
    }

    /**
     * Everybody in a context.
     */
    public function test_delete_for_all(): void {
        provider::delete_data_for_all_users_in_context($this->course);
        provider::delete_data_for_all_users_in_context($this->module);
        $this->assertSame(['outbox' => 1, 'standing' => 0, 'presence' => 0, 'hours' => 0], $this->left(0));
        $this->assertSame(['outbox' => 1, 'standing' => 0, 'presence' => 0, 'hours' => 0], $this->left(1));
    }

    /**
     * That an account is gone is still told, by its id alone.
     */
    public function test_farewell(): void {
        global $DB;
        $this->row('\core\event\user_deleted', 0, (int) $this->users[0]->id);
        provider::delete_data_for_user($this->approved($this->users[0]));
        $rows = $DB->get_records('local_copbridge_outbox', ['userid' => $this->users[0]->id]);
        $this->assertSame(['\core\event\user_deleted'], array_column($rows, 'eventname'));
        $this->assertStringNotContainsString('example.org', reset($rows)->data);
    }
}
