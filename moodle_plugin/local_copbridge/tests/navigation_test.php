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

use core_user\output\myprofile\tree;
use local_copbridge\local\navigation;
use local_copbridge\output\communities;

/**
 * Tests of the ways to the pages, and of who may take them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\navigation
 */
final class navigation_test extends \advanced_testcase {
    /** @var \stdClass a community with separate groups */
    private \stdClass $course;

    /** @var \stdClass[] people by what they are */
    private array $people = [];

    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-*', 'local_copbridge');
        $generator = $this->getDataGenerator();
        $this->course = $generator->create_course(['idnumber' => 'COP-1', 'groupmode' => SEPARATEGROUPS]);
        foreach (['one' => 'student', 'two' => 'student', 'helper' => 'teacher', 'teacher' => 'editingteacher'] as $who => $role) {
            $this->people[$who] = $generator->create_and_enrol($this->course, $role);
        }
        $group = $generator->create_group(['courseid' => $this->course->id]);
        foreach (['one', 'helper'] as $who) {
            groups_add_member($group, $this->people[$who]);
        }
    }

    /**
     * The titles that somebody finds in a course.
     *
     * @param \stdClass $user
     * @param \stdClass|null $course
     * @return string[]
     */
    private function found(\stdClass $user, ?\stdClass $course = null): array {
        $course ??= $this->course;
        $this->setUser($user);
        $node = new \navigation_node(['text' => 'Course', 'type' => \navigation_node::TYPE_COURSE, 'key' => 'course']);
        navigation::course($node, $course, \context_course::instance($course->id));
        $found = [];
        foreach ($node->children as $child) {
            $found[$child->key] = $child->text;
        }
        return $found;
    }

    /**
     * The links that somebody finds on a profile.
     *
     * @param string $reader
     * @param string $whose
     * @param \stdClass|null $course
     * @return string[]
     */
    private function profile(string $reader, string $whose, ?\stdClass $course = null): array {
        $this->setUser($this->people[$reader]);
        $tree = new tree();
        navigation::profile($tree, $this->people[$whose], $course);
        return array_map(fn($node): string => $node->url->out(false), array_values($tree->nodes));
    }

    public function test_course(): void {
        $this->assertSame(['local_copbridge_hours' => 'My CoP hours'], $this->found($this->people['one']));
        $this->assertSame(['local_copbridge_hours' => 'CoP hours'], $this->found($this->people['helper']));
        $this->assertSame(['local_copbridge_hours' => 'CoP hours'], $this->found($this->people['teacher']));
        $this->assertSame([], $this->found($this->getDataGenerator()->create_user()));
        $this->assertSame(['local_copbridge_hours', 'local_copbridge_grid'], array_keys($this->found(get_admin())));
        $other = $this->getDataGenerator()->create_course();
        $this->assertSame([], $this->found(get_admin(), $other));
    }

    public function test_own(): void {
        global $DB, $OUTPUT, $PAGE;
        $PAGE->set_url(navigation::hours_url());
        $own = function (\stdClass $user): array {
            $this->setUser($user);
            return array_keys(navigation::own());
        };
        $id = (int) $this->course->id;
        $other = $this->getDataGenerator()->create_course();
        $this->getDataGenerator()->enrol_user($this->people['one']->id, $other->id, 'student');
        $this->assertSame([$id], $own($this->people['one']));
        $this->assertStringContainsString("hours.php?courseid=$id", $OUTPUT->render(new communities()));
        $this->assertSame([$id], $own($this->people['teacher']));
        // Something was told of who isn't enrolled: a link for who can open the page, none for others.
        $stranger = $this->getDataGenerator()->create_user();
        foreach ([get_admin()->id, $stranger->id] as $userid) {
            $DB->insert_record('local_copbridge_standing', (object) [
                'courseid' => $id, 'userid' => $userid, 'data' => '', 'asof' => 1, 'timemodified' => 1,
            ]);
        }
        $this->assertSame([$id], $own(get_admin()));
        $this->assertSame([], $own($stranger));
        $none = get_string('communities_none', 'local_copbridge');
        $this->assertStringContainsString($none, $OUTPUT->render(new communities()));
        set_config('scope', 'none', 'local_copbridge');
        $this->assertSame([], $own($this->people['one']));
    }

    public function test_profile(): void {
        $own = navigation::hours_url((int) $this->course->id)->out(false);
        $named = navigation::hours_url((int) $this->course->id, (int) $this->people['one']->id)->out(false);
        $this->assertSame([$own], $this->profile('one', 'one'));
        $this->assertSame([$own], $this->profile('one', 'one', $this->course));
        $this->assertSame([], $this->profile('one', 'one', $this->getDataGenerator()->create_course()));
        $this->assertSame([], $this->profile('two', 'one'));
        $this->assertSame([$named], $this->profile('helper', 'one'));
        $this->assertSame([$named], $this->profile('teacher', 'one'));
        // Of another group.
        $this->assertSame([], $this->profile('helper', 'two'));
        set_config('scope', 'none', 'local_copbridge');
        $this->assertSame([], $this->profile('one', 'one'));
    }

    public function test_who_sees_whose_hours(): void {
        $one = (int) $this->people['one']->id;
        $two = (int) $this->people['two']->id;
        $this->setUser($this->people['one']);
        $this->assertSame([true, false], [navigation::sees($this->course, $one), navigation::sees($this->course, $two)]);
        $this->setUser($this->people['helper']);
        $this->assertSame([true, false], [navigation::sees($this->course, $one), navigation::sees($this->course, $two)]);
        $this->setUser($this->people['teacher']);
        $this->assertSame([true, true], [navigation::sees($this->course, $one), navigation::sees($this->course, $two)]);
    }
}
